"""`python -m tests.identity_provider FOLDER`: an OpenID Connect provider until standard input ends.

FOLDER gets `ca.pem`. One line is printed: the port of the provider, and that of its controls,
where a JSON object sets who signs in and what to get wrong. It is written from the specification
(OpenID Connect Core 1.0, RFC 7636), and refuses what a provider has to refuse.
"""

import base64
import hashlib
import json
import secrets
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib import request as urllib_request
from urllib.error import HTTPError
from urllib.parse import parse_qsl, urlencode, urlsplit
from urllib.request import Request, urlopen

from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

from tests.portal.authority import make

CLIENT, SECRET = "quitus", "client-secret-of-tests"
RETURN = "https://console.test/sign-in/company/return"
ADA = {
    "sub": "u-1",
    "preferred_username": "ada.lovelace",
    "name": "Ada Lovelace",
    "email": "ada@company.example",
    "groups": ["licences-dsi", "everyone"],
}


class Provider:
    """What it knows: its keys, the codes it gave, and what it is told to get wrong."""

    def __init__(self) -> None:
        self.issuer = ""
        self.keys = [RSAKey.generate_key(2048, {"kid": f"k{n}"}) for n in range(2)]
        self.codes: dict[str, dict[str, str]] = {}
        self.reset()

    def reset(self) -> None:
        self.claims: dict[str, Any] = dict(ADA)
        self.wrong: dict[str, Any] = {}
        self.key = 0

    def metadata(self) -> dict[str, Any]:
        return {
            "issuer": self.wrong.get("issuer", self.issuer),
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "end_session_endpoint": f"{self.issuer}/end",
            "response_types_supported": ["code"],
            "id_token_signing_alg_values_supported": ["RS256"],
        }

    def authorize(self, asked: dict[str, str]) -> str:
        """Where the browser is sent; the person signs in at once."""
        assert asked["response_type"] == "code", asked
        assert asked["client_id"] == CLIENT, asked
        assert asked["redirect_uri"] == RETURN, asked
        assert "openid" in asked["scope"].split(), asked
        assert asked["code_challenge_method"] == "S256", asked
        if "error" in self.wrong:
            told = {"error": self.wrong["error"], "state": asked["state"]}
        else:
            code = secrets.token_urlsafe(16)
            self.codes[code] = asked
            state = self.wrong.get("state", asked["state"])
            told = {"code": code, "state": state, "iss": self.wrong.get("iss", self.issuer)}
        return f"{RETURN}?{urlencode(told)}"

    def token(self, form: dict[str, str], authorization: str) -> tuple[int, dict[str, Any]]:
        expected = "Basic " + base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        if authorization != expected:
            return 401, {"error": "invalid_client"}
        asked = self.codes.pop(form.get("code", ""), None)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        if not asked or asked["code_challenge"] != challenge or form["redirect_uri"] != RETURN:
            return 400, {"error": "invalid_grant"}
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": CLIENT,
            "exp": now + 300,
            "iat": now,
            "nonce": asked["nonce"],
            **self.claims,
            **self.wrong.get("claims", {}),
        }
        claims = {name: value for name, value in claims.items() if value is not None}
        return 200, {"access_token": "a", "token_type": "Bearer", "id_token": self.sign(claims)}

    def sign(self, claims: dict[str, Any]) -> str:
        how = self.wrong.get("sign", "RS256")
        if how == "none":
            parts = [json.dumps(each).encode() for each in ({"alg": "none"}, claims)]
            return ".".join(base64.urlsafe_b64encode(p).decode().rstrip("=") for p in parts) + "."
        if how == "HS256":
            return jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(SECRET))
        key = RSAKey.generate_key(2048) if how == "stranger" else self.keys[self.key]
        return jwt.encode({"alg": "RS256", "kid": f"k{self.key}"}, claims, key)

    def jwks(self) -> dict[str, Any]:
        return {"keys": [self.keys[self.key].as_dict(private=False)]}


class Handler(BaseHTTPRequestHandler):
    provider: Provider

    def do_GET(self) -> None:
        parts, provider = urlsplit(self.path), self.provider
        if "status" in provider.wrong:
            self.answer(provider.wrong["status"], {})
        elif parts.path == "/.well-known/openid-configuration":
            self.answer(200, provider.metadata())
        elif parts.path == "/keys":
            self.answer(200, provider.jwks())
        elif parts.path == "/authorize":
            self.answer(302, {}, provider.authorize(dict(parse_qsl(parts.query))))
        else:
            self.answer(404, {})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        given = self.headers.get("Authorization", "")
        self.answer(*self.provider.token(dict(parse_qsl(body)), given))

    def answer(self, status: int, document: dict[str, Any], location: str = "") -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        if location:
            self.send_header("Location", location)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


class Controls(Handler):
    """POST a JSON object: everything is as it should be but for that."""

    def do_POST(self) -> None:
        told = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.provider.reset()
        self.provider.key = told.pop("key", 0)
        self.provider.claims |= told.pop("person", {})
        self.provider.wrong = told
        self.answer(200, {})


def main() -> None:
    provider, context = Provider(), make(Path(sys.argv[1]))
    own = {"provider": provider}
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Own", (Handler,), own))
    server.socket = context.wrap_socket(server.socket, server_side=True)
    control = ThreadingHTTPServer(("127.0.0.1", 0), type("Own", (Controls,), own))
    provider.issuer = f"https://localhost:{server.server_address[1]}"
    for each in (server, control):
        threading.Thread(target=each.serve_forever, args=(0.05,), daemon=True).start()
    print(server.server_address[1], control.server_address[1], flush=True)
    while sys.stdin.read(1):
        pass


class Running:
    """The provider as a test has it."""

    def __init__(self, folder: Path, port: int, control: int) -> None:
        self.folder, self.control = folder, control
        self.issuer = f"https://localhost:{port}"

    def be(self, **told: Any) -> None:
        """As it should be but for this."""
        body = json.dumps(told).encode()
        with urlopen(Request(f"http://127.0.0.1:{self.control}/", body)):
            pass

    def settings(self) -> str:
        """What collector.toml says of it; the secret and its root are beside that file."""
        return f"""\
[console.oidc]
issuer = "{self.issuer}"
client_secret_file = "oidc.secret"
address = "https://console.test"
authority = "ca.pem"
[console.oidc.roles]
"licences-dsi" = "dsi"
"licences-audit" = "auditor"
"""

    def visit(self, address: str) -> str:
        """What a browser does there: where it is sent back to."""
        context = ssl.create_default_context(cafile=self.folder / "ca.pem")

        class Stay(urllib_request.HTTPRedirectHandler):
            def redirect_request(self, *_: Any) -> None:
                return None

        opener = urllib_request.build_opener(Stay(), urllib_request.HTTPSHandler(context=context))
        try:
            opener.open(address, timeout=10)
        except HTTPError as answer:
            with answer:
                return str(answer.headers["Location"])
        raise AssertionError(address)


@contextmanager
def running(folder: Path) -> Iterator[Running]:
    """The provider in a process of its own."""
    command = [sys.executable, "-m", "tests.identity_provider", str(folder)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin
        assert process.stdout
        port, control = map(int, process.stdout.readline().split())
        try:
            yield Running(folder, port, control)
        finally:
            process.stdin.close()
            process.wait(timeout=10)


if __name__ == "__main__":
    main()
