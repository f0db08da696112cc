"""The company's own sign-in: OpenID Connect, the code flow with PKCE (Core 1.0, 3.1).

Authlib builds the questions and checks the claims, joserfc the signatures; what travels is ours, so
that nothing is asked of another place than the provider, nor waited for without end.
"""

import secrets
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry

from quitus_collector.adapters.secret_files import read_line
from quitus_collector.domain.account import Role
from quitus_collector.errors import SignInRefused, UsageError
from quitus_collector.services.wording import N_

TIMEOUT_S = 10
MAX_BYTES = 1 << 20
# How far the provider's clock may be from ours.
LEEWAY_S = 120
# By keys that the provider alone has: what the client's secret could sign proves nothing here.
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA")
# What a provider says of itself, and how its keys are found again after they changed.
FRESH_S = 3600
AWAY = N_("the company’s sign-in cannot be reached: try again later, or use a password")
UNPROVEN = N_("the company’s sign-in did not prove who you are: begin again")


@dataclass(frozen=True, slots=True)
class Provider:
    """What the settings say of it; `roles` are Quitus' own by the values of the claim.

    `returns_to` is this console's address as browsers have it.
    """

    issuer: str
    client_id: str
    secret_file: Path
    returns_to: str
    scopes: str
    roles_claim: str
    name_claim: str
    roles: Mapping[str, Role]
    authority: Path | None
    # As in `secret_files`.
    credentials: Path | None = None


@dataclass(frozen=True, slots=True)
class Begun:
    """Where the browser goes, and what has to come back with it."""

    address: str
    state: str
    nonce: str
    verifier: str


@dataclass(frozen=True, slots=True)
class Person:
    """Whom the provider vouches for."""

    subject: str
    name: str
    full_name: str
    email: str
    roles: frozenset[Role]


class CompanySignIn:
    """One provider; serves several threads."""

    def __init__(self, provider: Provider, now: Callable[[], float] = time.monotonic) -> None:
        """Asks nothing yet."""
        self.provider = provider
        self._now = now
        self._known: tuple[float, Mapping[str, Any]] | None = None
        self._keys: tuple[float, KeySet] | None = None

    @property
    def return_address(self) -> str:
        """Where the provider sends browsers back to, as it has to be registered there."""
        return f"{self.provider.returns_to}/sign-in/company/return"

    def begin(self) -> Begun:
        """A question for the provider; raises SignInRefused where it is away."""
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        address = prepare_grant_uri(
            self._metadata()["authorization_endpoint"],
            self.provider.client_id,
            "code",
            redirect_uri=self.return_address,
            scope=self.provider.scopes,
            state=state,
            nonce=nonce,
            code_challenge=create_s256_code_challenge(verifier),
            code_challenge_method="S256",
        )
        return Begun(address, state, nonce, verifier)

    def finish(self, code: str, issuer: str, nonce: str, verifier: str) -> Person:
        """Whom the code stands for; `issuer` is what came back beside it (RFC 9207), if anything.

        Raises SignInRefused.
        """
        if issuer and issuer != self.provider.issuer:
            raise SignInRefused(UNPROVEN)
        token = self._exchange(code, verifier)
        claims = self._checked(token, nonce)
        return self._person(claims)

    def end(self) -> str:
        """Where one signs out of the company's sign-in too; empty where the provider has no place.

        Raises SignInRefused where it is away.
        """
        place = str(self._metadata().get("end_session_endpoint") or "")
        if not place:
            return ""
        back = {
            "client_id": self.provider.client_id,
            "post_logout_redirect_uri": f"{self.provider.returns_to}/sign-in",
        }
        return f"{place}{'&' if urlsplit(place).query else '?'}{urlencode(back)}"

    def _exchange(self, code: str, verifier: str) -> Mapping[str, Any]:
        fields = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.return_address,
            "code_verifier": verifier,
        }
        metadata, secret = self._metadata(), self._secret()
        by = metadata.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        basic = (self.provider.client_id, secret) if "client_secret_basic" in by else None
        if basic is None:
            fields |= {"client_id": self.provider.client_id, "client_secret": secret}
        token = self._ask("POST", metadata["token_endpoint"], fields, basic)
        if not isinstance(token.get("id_token"), str):
            raise SignInRefused(UNPROVEN)
        return token

    def _checked(self, token: Mapping[str, Any], nonce: str) -> CodeIDToken:
        """The claims of the ID token (OpenID Connect Core, 3.1.3.7)."""
        try:
            decoded = self._decoded(token["id_token"])
            claims = CodeIDToken(
                decoded.claims,
                decoded.header,
                options={
                    "iss": {"essential": True, "values": [self.provider.issuer]},
                    "aud": {"essential": True, "values": [self.provider.client_id]},
                    "nonce": {"essential": True},
                },
                params={
                    "nonce": nonce,
                    "client_id": self.provider.client_id,
                    "access_token": token.get("access_token"),
                },
            )
            claims.validate(leeway=LEEWAY_S)
        except (JoseError, ValueError, TypeError, KeyError) as error:
            raise SignInRefused(UNPROVEN) from error
        return claims

    def _decoded(self, id_token: str) -> jwt.Token:
        registry = JWSRegistry(algorithms=list(ALGORITHMS), strict_check_header=False)
        known = self._keys
        # Asked for again by age: a key that the provider withdrew is not trusted for ever.
        is_fresh = known is not None and self._now() - known[0] < FRESH_S
        keys = known[1] if known and is_fresh else self._fetch_keys()
        try:
            return jwt.decode(id_token, keys, registry=registry)
        except (InvalidKeyIdError, ValueError):
            # The provider changed its keys since; once more, and no more.
            return jwt.decode(id_token, self._fetch_keys(), registry=registry)

    def _fetch_keys(self) -> KeySet:
        told = dict(self._ask("GET", self._metadata()["jwks_uri"]))
        found = KeySet.import_key_set(told)  # type: ignore[arg-type]
        self._keys = self._now(), found
        return found

    def _person(self, claims: Mapping[str, Any]) -> Person:
        told = claims.get(self.provider.roles_claim, [])
        values: Sequence[Any] = [told] if isinstance(told, str) else told
        if not isinstance(values, list):
            values = []
        roles = {
            self.provider.roles[each]
            for each in values
            if isinstance(each, str) and each in self.provider.roles
        }
        subject = f"{self.provider.issuer} {claims['sub']}"
        name = str(claims.get(self.provider.name_claim) or claims.get("email") or "")
        is_name = 0 < len(name) <= 64 and all(c.isalnum() or c in ".-_@+" for c in name)
        if not is_name or len(subject) > 255:
            raise SignInRefused(N_("the company’s sign-in gives you no name that can be used here"))
        full_name, email = str(claims.get("name") or name), str(claims.get("email") or "")
        return Person(subject, name, full_name[:255], email[:255], frozenset(roles))

    def _metadata(self) -> Mapping[str, Any]:
        """What the provider says of itself (OpenID Connect Discovery 1.0, 4)."""
        if self._known and self._now() - self._known[0] < FRESH_S:
            return self._known[1]
        told = self._ask(
            "GET", f"{self.provider.issuer.rstrip('/')}/.well-known/openid-configuration"
        )
        places = [told.get(e) for e in ("authorization_endpoint", "token_endpoint", "jwks_uri")]
        if told.get("issuer") != self.provider.issuer or not all(map(_is_safe, places)):
            raise SignInRefused(AWAY)
        self._known = self._now(), told
        return told

    def _ask(
        self,
        method: str,
        address: str,
        fields: Mapping[str, str] | None = None,
        basic: tuple[str, str] | None = None,
    ) -> Mapping[str, Any]:
        """An answer in JSON; raises SignInRefused where there is none, or no good one."""
        try:
            with (
                httpx.Client(
                    verify=self._trust(), timeout=TIMEOUT_S, trust_env=False, follow_redirects=False
                ) as client,
                client.stream(method, address, data=fields, auth=basic) as response,
            ):
                body = b""
                for part in response.iter_bytes():
                    body += part
                    if len(body) > MAX_BYTES:
                        raise SignInRefused(AWAY)
                if response.status_code in (400, 401):
                    # The code was not taken: it was used, or is none of the provider's.
                    raise SignInRefused(UNPROVEN)
                response.raise_for_status()
                document = httpx.Response(200, content=body).json()
        except (httpx.HTTPError, OSError, ValueError) as error:
            raise SignInRefused(AWAY) from error
        if not isinstance(document, dict) or response.status_code != 200:
            raise SignInRefused(AWAY)
        return document

    def _trust(self) -> ssl.SSLContext:
        try:
            return ssl.create_default_context(cafile=self.provider.authority)
        except OSError as error:
            raise UsageError(
                "{authority}: {strerror}",
                authority=self.provider.authority,
                strerror=error.strerror or error,
            ) from error

    def _secret(self) -> str:
        return read_line(self.provider.secret_file, self.provider.credentials)


def _is_safe(place: object) -> bool:
    return isinstance(place, str) and urlsplit(place).scheme == "https"
