"""The company's certificate on a token: a smart card, a security module (PKCS#11)."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pkcs11
from asn1crypto import x509 as asn1
from cryptography import x509
from pkcs11 import Attribute, ObjectClass
from pyhanko.sign.pkcs11 import PKCS11Signer

from quitus_collector.adapters.seal.pades import Credential, holder, unfit
from quitus_collector.adapters.secret_files import read_line
from quitus_collector.config import Token
from quitus_collector.errors import SealError, UsageError

REFUSED = {
    pkcs11.PinIncorrect: "its PIN is not the one in {file}; a token locks after a few wrong ones",
    pkcs11.PinInvalid: "its PIN is not the one in {file}; a token locks after a few wrong ones",
    pkcs11.PinLenRange: "a PIN as long as the one in {file} cannot be its own",
    pkcs11.PinLocked: "it is locked: its PIN was wrong too often",
    pkcs11.PinExpired: "its PIN is over: give it another one",
    pkcs11.UserPinNotInitialized: "it has no PIN yet",
}


@contextmanager
def credential(settings: Token, credentials: Path | None, at: datetime) -> Iterator[Credential]:
    """The certificate, fit to sign at that time, and its key, which stays where it is.

    Raises SealError naming the token. `credentials` is as in `secret_files`.
    """
    try:
        pin = read_line(settings.pin_file, credentials)
    except UsageError as error:
        raise SealError(str(error)) from error
    where = f"{settings.module}: the token {settings.name or '(the only one)'}"
    try:
        session = _token(settings).open(user_pin=pin)
    except tuple(REFUSED) as error:
        raise SealError(
            "{where}: {format}",
            where=where,
            format=REFUSED[type(error)].format(file=settings.pin_file),
        ) from error
    except pkcs11.PKCS11Error as error:
        raise SealError(
            "{where}: cannot be opened: {error}", where=where, error=_said(error)
        ) from error
    try:
        with session:
            yield _credential(session, settings, where, at)
    except pkcs11.PKCS11Error as error:
        raise SealError("{where}: {error}", where=where, error=_said(error)) from error


def _token(settings: Token) -> pkcs11.Token:
    """The one of that label, or the only one there is."""
    try:
        slots = pkcs11.lib(str(settings.module)).get_slots(token_present=True)
        tokens = [each.get_token() for each in slots]
    except (pkcs11.PKCS11Error, RuntimeError, OSError) as error:
        raise SealError(
            "{module}: cannot be used as a PKCS#11 module: {error}",
            module=settings.module,
            error=_said(error),
        ) from error
    ready = [each for each in tokens if pkcs11.TokenFlag.TOKEN_INITIALIZED in each.flags]
    named = [each for each in ready if settings.name in ("", each.label.strip())]
    if len(named) == 1:
        return named[0]
    there = ", ".join(sorted(each.label.strip() for each in ready)) or "none"
    if settings.name:
        what = f"no token is called {settings.name!r}" if not named else "two tokens are called so"
    else:
        what = "seal.token has to name one" if ready else "there is no token"
    raise SealError(
        "{module}: {what}; there are: {there}", module=settings.module, what=what, there=there
    )


def _credential(session: pkcs11.Session, settings: Token, where: str, at: datetime) -> Credential:
    kinds: dict[str, dict[Attribute, Any]] = {
        "certificate": {Attribute.CLASS: ObjectClass.CERTIFICATE},
        "key to sign with": {Attribute.CLASS: ObjectClass.PRIVATE_KEY, Attribute.SIGN: True},
    }
    for what, kind in kinds.items():
        found = len(list(session.get_objects({**kind, Attribute.LABEL: settings.label})))
        if found != 1:
            number = f"{found} of them" if found else f"no {what}"
            raise SealError(
                "{where}: {number} under the label {label!r}: one is needed",
                where=where,
                number=number,
                label=settings.label,
            )
    certificates = {
        each[Attribute.LABEL]: asn1.Certificate.load(each[Attribute.VALUE])
        for each in session.get_objects(kinds["certificate"])
    }
    own = certificates[settings.label]
    certificate = x509.load_der_x509_certificate(own.dump())
    if reason := unfit(certificate, at):
        raise SealError("{where}: {reason}", where=where, reason=reason)
    signer = PKCS11Signer(
        session,
        key_label=settings.label,
        signing_cert=own,
        ca_chain=_above(own, list(certificates.values())),
        # Every token signs a digest by ECDSA; that it makes the digest itself, not every one.
        use_raw_mechanism=own.public_key.algorithm == "ec",
    )
    return Credential(signer, holder(certificate))


def _above(own: asn1.Certificate, others: Sequence[asn1.Certificate]) -> list[asn1.Certificate]:
    """The authorities of a certificate among others: nothing else of a token is shown."""
    chain: list[asn1.Certificate] = []
    while own.issuer != own.subject:
        above = [each for each in others if each.subject == own.issuer and each not in chain]
        if not above:
            break
        own = above[0]
        chain.append(own)
    return chain


def _said(error: Exception) -> str:
    """What went wrong; the library tells much of it by the error's name alone."""
    return str(error) or type(error).__name__
