"""The agent's settings: a file, then the environment, then flags; read once.

On Windows what was given at installation comes before the file, and a policy after all.
"""

import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from quitus_agent.errors import UsageError
from quitus_agent.managed import NOTHING, POLICY_KEY, Managed, value_name

DEFAULT_PORT = 7443
# Not below ProgramData, where everybody may make a folder before us and stay its owner.
WINDOWS_FOLDER = Path(os.environ.get("PROGRAMFILES", "C:/Program Files")) / "Quitus"
CONFIG_FILE = (
    WINDOWS_FOLDER / "agent.toml" if sys.platform == "win32" else Path("/etc/quitus/agent.toml")
)
# They do nothing once a device is enrolled.
FOR_ENROLMENT = ("token_file", "entity")
YES_OR_NO = {"true": True, "false": False}
# The least and the most of what is a number.
BOUNDS = {"interval_hours": (1, 168), "spread_minutes": (0, 720)}


class Config(NamedTuple):
    """`state` is where key, certificate and the last report's receipt are kept.

    `last_use` turns on the source that tells when programs were last used. The others are for
    `report --scheduled`: where the join token lies until this device is enrolled (`{entity}` in
    it stands for `entity`, the SIREN that picks one of several), how often it reports, and within
    which time it picks its own moment.
    """

    state: Path
    collector: str
    last_use: bool = False
    token_file: str = ""
    entity: str = ""
    interval_hours: int = 24
    spread_minutes: int = 60

    def collector_address(self) -> tuple[str, int]:
        """Host and enrolment port; raises UsageError where none is set or it is not an address."""
        if not self.collector:
            raise UsageError("which collector? give --collector HOST[:PORT] or set it in the file")
        return parse_address(self.collector)


def load(
    file: Path | None,
    environment: Mapping[str, str],
    flags: Mapping[str, str],
    managed: Managed = NOTHING,
) -> Config:
    """Merges them; a file that is named must exist, and unknown keys of a file are refused.

    Raises UsageError, also where a flag says otherwise than the policy.
    """
    settings = {"state": str(_default_state()), "collector": ""}
    settings |= {name: _written(value) for name, value in Config._field_defaults.items()}
    settings |= {**_own(file, environment, managed), **flags}
    policy = _known(managed.policy)
    for name, value in flags.items():
        if policy.get(name, value) != value:
            raise UsageError(
                f"{name} is {policy[name]!r} by policy ({POLICY_KEY}): nothing else can be given"
            )
    return _config(settings | policy)


def idle(
    file: Path | None, environment: Mapping[str, str], managed: Managed, enrolled_with: str
) -> Iterator[tuple[str, str]]:
    """Settings of this device that change nothing, and why, a sentence each.

    `enrolled_with` is the collector's host, for a device that is enrolled. A policy that names a
    join token is for the devices that are still to come, and no mistake here.
    """
    own, policy = _own(file, environment, managed), _known(managed.policy)
    for name, value in own.items():
        if policy.get(name, value) != value:
            yield name, f"{name} {value!r}: the policy says {policy[name]!r}"
        elif name in FOR_ENROLMENT and value:
            yield name, f"{name}: this device is enrolled already"
    collector = (own | policy).get("collector", "")
    if collector and _host(collector) != enrolled_with.lower():
        where = f"this device reports to {enrolled_with}, until quitus-agent enrol --again"
        yield "collector", f"collector {collector!r}: {where}"


def _host(address: str) -> str:
    """That of an address, in small letters; empty where it is no address."""
    try:
        return parse_address(address)[0].lower()
    except UsageError:
        return ""


def _own(file: Path | None, environment: Mapping[str, str], managed: Managed) -> dict[str, str]:
    """What this device's installation, file and environment say, and nothing that is usual."""
    given = _known(managed.installed)
    given |= _from_file(file or CONFIG_FILE, must_exist=file is not None)
    return given | {
        name: environment[key]
        for name in Config._fields
        if (key := f"QUITUS_AGENT_{name.upper()}") in environment
    }


def _config(settings: Mapping[str, str]) -> Config:
    if settings["last_use"] not in YES_OR_NO:
        raise UsageError("last_use must be true or false")
    return Config(
        state=Path(settings["state"]),
        collector=settings["collector"],
        last_use=YES_OR_NO[settings["last_use"]],
        token_file=settings["token_file"],
        entity=settings["entity"],
        interval_hours=_number("interval_hours", settings),
        spread_minutes=_number("spread_minutes", settings),
    )


def _number(name: str, settings: Mapping[str, str]) -> int:
    least, most = BOUNDS[name]
    text = settings[name]
    if not text.isdecimal() or not least <= int(text) <= most:
        raise UsageError(f"{name} must be a number from {least} to {most}")
    return int(text)


def kind_of(name: str) -> type:
    """What a setting is: bool, int, or str; a folder is written as a text."""
    return type(Config._field_defaults.get(name, ""))


def _known(values: Mapping[str, str | int]) -> dict[str, str]:
    """Settings of the registry, as a file writes them.

    Names that this version does not know are passed over: templates may be newer than the agent.
    """
    found = {}
    for name in Config._fields:
        value = values.get(value_name(name))
        if value is None:
            continue
        if isinstance(value, str) != (kind_of(name) is str):
            kind = "REG_SZ" if kind_of(name) is str else "REG_DWORD"
            raise UsageError(f"{value_name(name)} in the registry must be a {kind}")
        found[name] = _written(bool(value) if kind_of(name) is bool else value)
    return found


def _written(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


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
        kind = kind_of(key)
        if not isinstance(value, str) and type(value) is not kind:
            expected = {bool: "true or false", int: "a number"}.get(kind, "a text")
            raise UsageError(f"{file}: {key} must be {expected}")
        document[key] = _written(value)
    return document


def _default_state() -> Path:
    if sys.platform == "win32":
        return WINDOWS_FOLDER / "state"
    return Path("/var/lib/quitus-agent")
