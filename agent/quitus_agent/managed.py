r"""What an administrator of Windows gives through its registry: at installation, and by policy.

Both keys are writable by administrators alone, as everything below HKEY_LOCAL_MACHINE\SOFTWARE.
A join token lies in a key of its own, which they alone may read.
"""

import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import NamedTuple

POLICY_KEY = r"SOFTWARE\Policies\Quitus"
INSTALLED_KEY = r"SOFTWARE\Quitus"
TOKEN_KEY, TOKEN_VALUE = rf"{INSTALLED_KEY}\Enrolment", "Token"


class Managed(NamedTuple):
    """Values by their names in the registry, texts and numbers; other kinds are not settings."""

    installed: Mapping[str, str | int] = {}
    policy: Mapping[str, str | int] = {}


NOTHING = Managed()


def value_name(setting: str) -> str:
    """How the registry and the policy templates call a setting: `last_use` is LastUse."""
    return "".join(map(str.capitalize, setting.split("_")))


def read() -> Managed:
    """What the running system gives; nothing on systems that have no registry.

    Raises SourceError where a key is there and may not be read.
    """
    if sys.platform != "win32":
        return NOTHING
    return Managed(_values(INSTALLED_KEY), _values(POLICY_KEY))


def token() -> str:
    """The join token that was given at installation; empty where there is none."""
    return str(_values(TOKEN_KEY).get(TOKEN_VALUE, ""))


def forget_token() -> None:
    """Takes the join token away: it has done its work."""
    if sys.platform != "win32":
        return
    import winreg

    with (
        suppress(FileNotFoundError),
        winreg.OpenKey(
            winreg.HKEY_LOCAL_MACHINE,
            TOKEN_KEY,
            0,
            winreg.KEY_SET_VALUE | winreg.KEY_WOW64_64KEY,
        ) as key,
    ):
        winreg.DeleteValue(key, TOKEN_VALUE)


def _values(path: str) -> dict[str, str | int]:
    if sys.platform != "win32":
        return {}
    from quitus_agent.registry import live

    key = live.open_key("HKEY_LOCAL_MACHINE", path)
    found = {name: key.value(name) for name in key.value_names()} if key else {}
    return {name: value for name, value in found.items() if isinstance(value, str | int)}
