"""The second factor: codes by time (RFC 6238), their secrets encrypted where they are kept."""

import os
from base64 import b64decode, b64encode
from datetime import datetime
from pathlib import Path

import pyotp
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from quitus_collector.errors import CollectorError

ISSUER = "Quitus"
STEP_S = 30
# Steps before and after now whose codes are taken too: clocks of phones are not exact.
NEAR = 1
_NONCE_BYTES = 12


class TimeCodes:
    """Implements account_ports.SecondFactor with a key of this collector's own."""

    def __init__(self, key: bytes) -> None:
        """`key` is of 32 bytes."""
        self._cipher = AESGCM(key)

    def make(self) -> tuple[str, str]:
        """A new secret in Base32, and sealed."""
        secret, nonce = pyotp.random_base32(), os.urandom(_NONCE_BYTES)
        sealed = nonce + self._cipher.encrypt(nonce, secret.encode(), None)
        return secret, b64encode(sealed).decode()

    def address(self, sealed: str, account_name: str) -> str:
        """otpauth://totp/… as applications read it from a QR code."""
        return pyotp.TOTP(self._open(sealed)).provisioning_uri(
            name=account_name, issuer_name=ISSUER
        )

    def step(self, sealed: str, code: str, now: datetime) -> int | None:
        """The step near now that the code is right for; None for none."""
        codes, written = pyotp.TOTP(self._open(sealed)), code.replace(" ", "")
        here = int(now.timestamp()) // STEP_S
        for step in range(here - NEAR, here + NEAR + 1):
            if pyotp.utils.strings_equal(codes.generate_otp(step), written):
                return step
        return None

    def _open(self, sealed: str) -> str:
        try:
            content = b64decode(sealed)
            return self._cipher.decrypt(
                content[:_NONCE_BYTES], content[_NONCE_BYTES:], None
            ).decode()
        except (InvalidTag, ValueError) as error:
            raise CollectorError(
                "a second factor cannot be read: console.key is not the key of this database"
            ) from error


def key_in(file: Path) -> bytes:
    """The key in a file that this account alone reads; made where there is none."""
    try:
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as new:
            new.write(AESGCM.generate_key(256))
    except FileExistsError:
        pass
    except OSError as error:
        raise CollectorError("{file}: {strerror}", file=file, strerror=error.strerror) from error
    return file.read_bytes()
