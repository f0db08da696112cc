"""Certificates in PEM files."""

from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from quitus_collector.adapters.documents import read_text
from quitus_collector.errors import UsageError


def read(file: Path) -> list[bytes]:
    """All certificates of a PEM file, DER; raises UsageError naming it."""
    try:
        found = x509.load_pem_x509_certificates(read_text(file).encode())
    except ValueError as error:
        raise UsageError("{file}: holds no certificates (PEM)", file=file) from error
    return [each.public_bytes(Encoding.DER) for each in found]
