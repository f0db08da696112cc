"""Log lines on standard error: a constant sentence and its fields, as text or as JSON."""

import json
import logging
import sys
import time
from datetime import UTC, datetime

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}


class FieldFormatter(logging.Formatter):
    """`2026-11-23T09:00:00Z INFO report accepted device_id="…" installs=210`."""

    converter = staticmethod(time.gmtime)

    def format(self, record: logging.LogRecord) -> str:
        """The line, its fields in the order in which they were given."""
        line = super().format(record)
        pairs = " ".join(
            f"{key}={json.dumps(value, default=str)}" for key, value in _fields(record).items()
        )
        return f"{line} {pairs}".rstrip()


class JSONFormatter(logging.Formatter):
    """`{"time": "2026-11-23T09:00:00.123Z", "level": "INFO", "message": …, "device_id": …}`."""

    def format(self, record: logging.LogRecord) -> str:
        """One object on one line; a traceback is its last field."""
        at = datetime.fromtimestamp(record.created, UTC)
        line = {
            "time": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname,
            "message": record.getMessage(),
            **_fields(record),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


def _fields(record: logging.LogRecord) -> dict[str, object]:
    return {key: value for key, value in vars(record).items() if key not in _STANDARD}


def configure(form: str = "text", worker: int = 0) -> None:
    """Sends the collector's log lines to standard error, as "text" or "json".

    Those of one process among several have its number in the field `worker`.
    """
    handler = logging.StreamHandler(sys.stderr)
    text = FieldFormatter("%(asctime)s %(levelname)s %(message)s", datefmt="%Y-%m-%dT%H:%M:%SZ")
    handler.setFormatter(JSONFormatter() if form == "json" else text)

    def numbered(record: logging.LogRecord) -> bool:
        record.worker = worker
        return True

    if worker:
        handler.addFilter(numbered)
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    # Alembic tells what every command would have to hide.
    logging.getLogger("alembic").setLevel(logging.WARNING)
    # httpx tells every address that it asks: that of a webhook may be as good as a password.
    logging.getLogger("httpx").setLevel(logging.WARNING)
