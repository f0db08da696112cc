"""Log lines: a constant sentence, then its fields as key=value, on standard error."""

import json
import logging
import sys
import time

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}


class FieldFormatter(logging.Formatter):
    """`2026-11-23T09:00:00Z INFO report accepted device_id="…" installs=210`."""

    converter = staticmethod(time.gmtime)

    def format(self, record: logging.LogRecord) -> str:
        """The line, its fields in the order in which they were given."""
        line = super().format(record)
        fields = {key: value for key, value in vars(record).items() if key not in _STANDARD}
        pairs = " ".join(f"{key}={json.dumps(value, default=str)}" for key, value in fields.items())
        return f"{line} {pairs}".rstrip()


def configure() -> None:
    """Sends the collector's log lines to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        FieldFormatter("%(asctime)s %(levelname)s %(message)s", datefmt="%Y-%m-%dT%H:%M:%SZ")
    )
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    # Alembic tells what every command would have to hide.
    logging.getLogger("alembic").setLevel(logging.WARNING)
