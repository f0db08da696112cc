"""Tells programs over HTTPS; each message is signed, so that they know whose it is."""

import hashlib
import hmac
import ssl
from dataclasses import dataclass
from pathlib import Path

import httpx

from quitus_collector.adapters.secret_files import read
from quitus_collector.errors import NotSent, UsageError

TIMEOUT_S = 10


@dataclass(frozen=True, slots=True)
class Hook:
    """A program: where it listens, what messages to it are signed with."""

    name: str
    address: str
    secret_file: Path
    authority: Path | None
    # As in `secret_files`.
    credentials: Path | None = None


def send(hook: Hook, body: bytes, delivery: str, at_s: int) -> None:
    """One message, to this address alone: who answers with another one is not followed.

    Raises NotSent for every answer but 2xx.
    """
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Quitus",
        # The same however often it is tried: who gets it twice can tell.
        "Quitus-Delivery": delivery,
        "Quitus-Signature": f"t={at_s},v1={signature(_secret(hook), body, at_s)}",
    }
    try:
        context = ssl.create_default_context(cafile=hook.authority)
        with (
            httpx.Client(
                verify=context, timeout=TIMEOUT_S, trust_env=False, follow_redirects=False
            ) as client,
            # What is answered beside the status is not even read.
            client.stream("POST", hook.address, content=body, headers=headers) as response,
        ):
            status = response.status_code
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        raise NotSent("{name} cannot be reached: {error}", name=hook.name, error=error) from error
    if not 200 <= status < 300:
        raise NotSent("{name} answers {status}", name=hook.name, status=status)


def signature(secret: bytes, body: bytes, at_s: int) -> str:
    """HMAC-SHA-256 over `{at_s}.{body}`, hex: an old message cannot be passed off as new."""
    return hmac.new(secret, f"{at_s}.".encode() + body, hashlib.sha256).hexdigest()


def _secret(hook: Hook) -> bytes:
    secret = read(hook.secret_file, hook.credentials).strip()
    if len(secret) < 16:
        raise UsageError(
            "{secret_file}: a secret has 16 characters or more", secret_file=hook.secret_file
        )
    return secret
