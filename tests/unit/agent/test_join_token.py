import base64
import hashlib

import pytest

from quitus_agent import join_token
from quitus_agent.errors import UsageError

ROOT = b"a root certificate"
FINGERPRINT = base64.urlsafe_b64encode(hashlib.sha256(ROOT).digest()).decode().rstrip("=")


def test_a_token_names_its_collector_and_keeps_its_secret_out_of_sight() -> None:
    token = join_token.parse(f"  qt1.{FINGERPRINT}.s3cret-_x\n")

    assert token.secret == "s3cret-_x"
    assert token.names(ROOT)
    assert not token.names(b"another root")
    assert "s3cret" not in f"{token!r} {token}"


@pytest.mark.parametrize(
    "text",
    ["", "qt1", f"qt2.{FINGERPRINT}.x", f"qt1.{FINGERPRINT}.", "qt1.abc.x", "qt1.é.x", "a.b.c.d"],
)
def test_anything_else_is_refused_before_it_is_used(text: str) -> None:
    with pytest.raises(UsageError):
        join_token.parse(text)
