"""What stands in the log, and what does not."""

import logging

import httpx
import pytest

from quitus_collector import logs


def test_no_address_that_is_asked_stands_in_the_log(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging, "basicConfig", lambda **_: None)
    caplog.set_level(logging.INFO)
    logs.configure()

    with httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(204))) as client:
        client.post("https://chat.test/hooks/a-secret", content=b"")

    assert "a-secret" not in caplog.text
