import hashlib
from datetime import datetime, timedelta

from quitus_collector.errors import InvalidRequest
from quitus_collector.services.ports import IssuedCertificate


class FakeAuthority:
    """Certifies anything; a signing request is just the bytes of a key."""

    def root(self) -> bytes:
        return b"root"

    def trust_roots(self) -> tuple[bytes, ...]:
        return (b"root",)

    def proven_key_sha256(self, public_key: bytes, signature: bytes, message: bytes) -> str:
        if signature != public_key + message:
            raise InvalidRequest("the signature is not by the key that is given")
        return hashlib.sha256(public_key).hexdigest()

    def issue(self, signing_request: bytes, device_id: str, now: datetime) -> IssuedCertificate:
        chain = (f"certificate of {device_id}".encode(), b"issuing")
        return IssuedCertificate(chain, now + timedelta(days=30))

    def key_sha256(self, signing_request: bytes) -> str:
        return hashlib.sha256(signing_request).hexdigest()
