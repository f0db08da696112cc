"""Portals that take declarations: one adapter a kind, each described by a data file."""

from pathlib import Path

from quitus_collector.adapters.portals.description import (
    FormPortal,
    MailPortal,
    RESTPortal,
    credentials,
    file_of,
    read,
)
from quitus_collector.services.ports import Portal

__all__ = ["file_of", "load"]


def load(portals: Path, secrets: Path, name: str, given: Path | None = None) -> Portal:
    """The portal that `portals/NAME.toml` describes, with the credentials `secrets/NAME.toml`.

    Or with those that systemd `given` this process. Raises UsageError naming the file.
    """
    from quitus_collector.adapters.portals.form import WebPortal
    from quitus_collector.adapters.portals.hand import ByHand
    from quitus_collector.adapters.portals.mail import Mail
    from quitus_collector.adapters.portals.rest import JSONPortal

    described = read(portals, name)
    if isinstance(described, FormPortal):
        return WebPortal(described, credentials(secrets, name, given))
    if isinstance(described, RESTPortal):
        return JSONPortal(described, credentials(secrets, name, given))
    if isinstance(described, MailPortal):
        return Mail(described, credentials(secrets, name, given), secrets)
    return ByHand(described)
