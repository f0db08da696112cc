"""Browsers that an account signed in from before: strangers' wrong passwords do not shut them out.

What a browser keeps is of one account and of its password: another password makes it worthless.
"""

import hmac
import secrets
from dataclasses import dataclass
from hashlib import sha256

from quitus_collector.domain.account import Account
from quitus_collector.services.attempts import network


@dataclass(frozen=True, slots=True)
class Origin:
    """Where somebody comes from: the address, and what the browser kept of an earlier time."""

    address: str = ""
    device: str = ""


def issue(key: bytes, account: Account) -> str:
    """What a browser keeps after a sign-in by password."""
    mark = secrets.token_urlsafe(12)
    return f"{mark}.{_proof(key, account, mark)}"


def is_known(key: bytes, account: Account, device: str) -> bool:
    """Whether the account signed in from this browser before, with the password of now."""
    mark, _, proof = device.partition(".")
    if not (key and mark and account.password_hash and len(device) < 200):
        return False
    return hmac.compare_digest(proof.encode(), _proof(key, account, mark).encode())


def place(account: Account, origin: Origin, *, known: bool) -> str:
    """Of what wrong passwords are counted: the known browser, else the account at an address.

    Unlocking an account begins another count everywhere.
    """
    where = origin.device if known else network(origin.address)
    return sha256(f"{account.id}\0{account.unlocked_at}\0{where}".encode()).hexdigest()


def _proof(key: bytes, account: Account, mark: str) -> str:
    stated = f"device\0{account.id}\0{account.password_hash}\0{mark}"
    return hmac.new(key, stated.encode(), sha256).hexdigest()
