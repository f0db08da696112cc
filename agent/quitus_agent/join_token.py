"""The join token: one string that names the collector's authority and admits a device."""

import base64
import binascii
import hashlib
from typing import NamedTuple

from quitus_agent.errors import UsageError

PREFIX = "qt1"


class JoinToken(NamedTuple):
    """`root_sha256` pins the collector before the `secret` is shown to it.

    Without a secret it lets nobody in: a person is asked.
    """

    root_sha256: bytes
    secret: str

    def __repr__(self) -> str:
        """Keeps the secret out of logs and tracebacks."""
        return f"JoinToken({self.root_sha256.hex()[:12]}…)"

    def names(self, certificate: bytes) -> bool:
        """Whether this DER certificate is the authority that the token was made for."""
        return hashlib.sha256(certificate).digest() == self.root_sha256


def of_fingerprint(text: str) -> JoinToken:
    """What asks a person instead: the root's SHA-256 in hex, no secret; raises UsageError."""
    try:
        root = bytes.fromhex(text.replace(":", "").strip())
    except ValueError:
        root = b""
    if len(root) != hashlib.sha256().digest_size:
        raise UsageError(
            f"{text!r} is not a fingerprint: 64 hexadecimal digits, as "
            "quitus-collector authority show prints them"
        )
    return JoinToken(root, "")


def parse(text: str) -> JoinToken:
    """Reads `qt1.<root fingerprint>.<secret>`, base64url without padding; raises UsageError."""
    parts = text.strip().split(".")
    if len(parts) != 3 or parts[0] != PREFIX or not parts[2]:
        raise UsageError("is not a Quitus join token (qt1.….…)")
    try:
        root = base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4))
    except (binascii.Error, ValueError) as error:
        raise UsageError("is a damaged join token: copy it whole") from error
    if len(root) != hashlib.sha256().digest_size:
        raise UsageError("is a damaged join token: copy it whole")
    return JoinToken(root, parts[2])
