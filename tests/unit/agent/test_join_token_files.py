"""Join tokens in files that people write."""

import base64
from pathlib import Path

import pytest

from quitus_agent import wiring
from quitus_agent.errors import UsageError

TOKEN = f"qt1.{base64.urlsafe_b64encode(bytes(32)).decode().rstrip('=')}.secret"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_token_is_read_as_editors_and_shells_of_windows_write_it(
    encoding: str, tmp_path: Path
) -> None:
    file = tmp_path / "token.txt"
    file.write_text(f"{TOKEN}\r\n", encoding=encoding)

    assert wiring.read_token(file).secret == "secret"


@pytest.mark.parametrize("content", [b"\xff\xfea", b"\xe9"])
def test_what_is_no_text_is_told(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "token.txt"
    file.write_bytes(content)

    with pytest.raises(UsageError, match=r"token\.txt: is not text"):
        wiring.read_token(file)
