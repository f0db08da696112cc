"""The agent's settings: a file, then the environment, then flags; read once."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from quitus_agent.errors import UsageError

DEFAULT_PORT = 7443
WINDOWS_FOLDER = Path(os.environ.get("PROGRAMDATA", "C:/ProgramData")) / "Quitus"
CONFIG_FILE = (
    WINDOWS_FOLDER / "agent.toml" if sys.platform == "win32" else Path("/etc/quitus/agent.toml")
)
YES_OR_NO = {"true": True, "false": False}


class Config(NamedTuple):
    """`state` is where key, certificate and the last report's receipt are kept.

    `last_use` turns on the source that tells when programs were last used.
    """

    state: Path
    collector: str
    last_use: bool = False

    def collector_address(self) -> tuple[str, int]:
        """Host and enrolment port; raises UsageError where none is set or it is not an address."""
        if not self.collector:
            raise UsageError("which collector? give --collector HOST[:PORT] or set it in the file")
        return parse_address(self.collector)


def load(file: Path | None, environment: Mapping[str, str], flags: Mapping[str, str]) -> Config:
    """Merges the three; a file that is named must exist, and unknown keys are refused."""
    settings = {"state": str(_default_state()), "collector": "", "last_use": "false"}
    settings.update(_from_file(file or CONFIG_FILE, must_exist=file is not None))
    settings.update(
        {
            name: environment[key]
            for name in settings
            if (key := f"QUITUS_AGENT_{name.upper()}") in environment
        }
    )
    settings.update(flags)
    if settings["last_use"] not in YES_OR_NO:
        raise UsageError("last_use must be true or false")
    return Config(
        state=Path(settings["state"]),
        collector=settings["collector"],
        last_use=YES_OR_NO[settings["last_use"]],
    )


def parse_address(text: str) -> tuple[str, int]:
    """Reads `host`, `host:port` or `[v6 address]:port`; raises UsageError."""
    host, colon, port = text.rpartition(":")
    if not colon or (":" in host and not host.startswith("[")):
        host, port = text, str(DEFAULT_PORT)
    host = host.strip("[]")
    try:
        # Host names may have accents; certificates and name servers want them encoded.
        host = host if ":" in host else host.encode("idna").decode("ascii")
    except UnicodeError:
        host = ""
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise UsageError(f"{text!r} is not an address: HOST or HOST:PORT is expected")
    return host, int(port)


def _from_file(file: Path, *, must_exist: bool) -> dict[str, str]:
    if not file.exists():
        if must_exist:
            raise UsageError(f"{file} does not exist")
        return {}
    import tomllib

    try:
        document = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise UsageError(f"{file}: {error}") from error
    except RecursionError as error:
        raise UsageError(f"{file}: nested too deep") from error
    for key, value in document.items():
        if key not in Config._fields:
            raise UsageError(f"{file}: unknown setting {key!r}; known: {', '.join(Config._fields)}")
        if key == "last_use" and isinstance(value, bool):
            document[key] = str(value).lower()
        elif not isinstance(value, str):
            kind = "true or false" if key == "last_use" else "a text"
            raise UsageError(f"{file}: {key} must be {kind}")
    return document


def _default_state() -> Path:
    if sys.platform == "win32":
        return WINDOWS_FOLDER / "agent"
    return Path("/var/lib/quitus-agent")
