"""The digests of a release of Quitus, SHA256SUMS, believed as far as its signature holds."""

from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from quitus_collector.errors import UsageError

# Beside the digests: 64 bytes, of the whole file.
SIGNATURE = ".sig"


def read(sums: Path, public_key: Path) -> frozenset[str]:
    """The SHA-256 digests, hexadecimal, of all files of a release.

    Raises UsageError where a file cannot be read, or the key (Ed25519, PEM) did not sign.
    """
    said, signature, pem = map(_content, (sums, sums.with_name(sums.name + SIGNATURE), public_key))
    try:
        key = serialization.load_pem_public_key(pem)
    except ValueError as error:
        raise UsageError("{path}: is no public key", path=public_key) from error
    if not isinstance(key, Ed25519PublicKey):
        raise UsageError("{path}: is no public key", path=public_key)
    try:
        key.verify(signature, said)
    except InvalidSignature as error:
        raise UsageError("{path}: is not signed with this key", path=sums) from error
    return frozenset(line.split()[0] for line in said.decode("utf-8", "replace").splitlines())


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise UsageError("{path}: {strerror}", path=file, strerror=error.strerror) from error
