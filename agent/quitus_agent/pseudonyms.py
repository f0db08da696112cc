"""Stand-ins for what could name a person or a system: the only form in which these leave."""

import hmac

DIGITS = 32


def of_user(user: str, key: bytes) -> str:
    """The same on all devices of a company, tied to the name only for who holds its key.

    Without a key nothing stands in: a name never leaves, not even hashed. A domain before the
    name or behind it does not make it another person.
    """
    name = user.rpartition("\\")[2].partition("@")[0].casefold()
    return _keyed(key, name) if key and name else ""


def of_system(system_id: str) -> str:
    """Stays with the installed system, without telling the id it is made from (machine-id(5))."""
    return _keyed(system_id.strip().lower().encode(), "quitus") if system_id.strip() else ""


def of_disk(serial: str) -> str:
    """Stays with the disk: two reports compare it, and nobody has to read it."""
    return _keyed(serial.strip().lower().encode(), "quitus disk") if serial.strip() else ""


def _keyed(key: bytes, text: str) -> str:
    return hmac.new(key, text.encode(), "sha256").hexdigest()[:DIGITS]
