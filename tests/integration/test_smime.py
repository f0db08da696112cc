"""Signed and closed messages, opened by OpenSSL as the recipient would."""

import email
import email.policy
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from quitus_collector.errors import UsageError
from quitus_collector.services.ports import Portal
from tests.integration.test_other_portals import MAIL, SENDING, A, loaded
from tests.makers.company import certificate_builder
from tests.makers.signing import PASSPHRASE, Authority, Certified
from tests.portal.authority import make
from tests.portal.post import Post, posting

DAY = timedelta(days=1)
SENDER, RECIPIENT = f"licences@{A['œuvres']}.example", f"declarations@{A['éditeur']}.example"


class Parties(NamedTuple):
    """The folder has `root.pem`, the sender's `p12` and the recipient's `recipient.pem`, `.key`."""

    folder: Path
    authority: Authority
    post: Post


def certified(
    authority: Authority,
    address: str,
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey,
    *,
    ends: timedelta = DAY,
    purpose: x509.ObjectIdentifier = ExtendedKeyUsageOID.EMAIL_PROTECTION,
) -> Certified:
    now = datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Service licences")])
    certificate = (
        certificate_builder(name, authority.name, key, now - 2 * DAY, now + ends)
        .add_extension(x509.SubjectAlternativeName([x509.RFC822Name(address)]), critical=False)
        .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
        .sign(authority.key, hashes.SHA256())
    )
    return Certified(certificate, key)


@pytest.fixture
def parties(tmp_path: Path) -> Iterator[Parties]:
    authority = Authority(datetime.now(UTC))
    (tmp_path / "root.pem").write_bytes(authority.pem)
    recipient = certified(authority, RECIPIENT, rsa.generate_private_key(65537, 2048))
    (tmp_path / "recipient.pem").write_bytes(recipient.pem)
    (tmp_path / "recipient.key").write_bytes(
        recipient.key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    with posting(make(tmp_path)) as post:
        yield Parties(tmp_path, authority, post)


def mail(
    parties: Parties, sender: Certified, *settings: str, passphrase: str = PASSPHRASE
) -> Portal:
    """A portal by mail with these settings besides, and the sender's file."""
    sender.pkcs12(parties.folder / "secrets")
    text = MAIL.format(port=parties.post.server_address[1]) + "\n".join(settings)
    return loaded(parties.folder, text, passphrase=passphrase)


def openssl(*words: object, content: bytes) -> bytes:
    return subprocess.run(
        ["openssl", "cms", *map(str, words)], input=content, check=True, capture_output=True
    ).stdout


@pytest.mark.parametrize("kind", ["rsa", "ec"])
def test_a_message_is_signed_and_closed_for_its_recipient(parties: Parties, kind: str) -> None:
    key = {
        "rsa": lambda: rsa.generate_private_key(65537, 2048),
        "ec": lambda: ec.generate_private_key(ec.SECP256R1()),
    }[kind]()
    sender = certified(parties.authority, SENDER, key)
    portal = mail(parties, sender, 'sign_with = "company.p12"', 'encrypt_to = "recipient.pem"')
    portal.check(SENDING)
    assert parties.post.messages == []

    accepted = portal.submit(SENDING)

    (message,) = parties.post.messages
    folder = parties.folder
    assert b"%PDF" not in message
    assert b"Content-Type: application/pkcs7-mime" in message
    opened = openssl(
        "-decrypt", "-recip", folder / "recipient.pem", "-inkey", folder / "recipient.key",
        content=message,
    )  # fmt: skip
    inside = openssl("-verify", "-CAfile", folder / "root.pem", content=opened)
    entity = email.message_from_bytes(inside, policy=email.policy.default)
    files = {part.get_filename(): part.get_content() for part in entity.iter_attachments()}
    assert files == SENDING.files
    outside = email.message_from_bytes(message, policy=email.policy.default)
    assert outside["Subject"] == "Déclaration Q1"
    assert outside["To"] == RECIPIENT
    assert accepted.number == outside["Message-ID"]


def test_a_signature_alone_leaves_the_message_to_be_read_by_everybody(parties: Parties) -> None:
    sender = certified(parties.authority, SENDER, ec.generate_private_key(ec.SECP256R1()))

    mail(parties, sender, 'sign_with = "company.p12"').submit(SENDING)

    (message,) = parties.post.messages
    openssl("-verify", "-CAfile", parties.folder / "root.pem", content=message)
    told = email.message_from_bytes(message, policy=email.policy.default)
    assert told.get_content_type() == "multipart/signed"
    body = told.get_body(("plain",))
    assert body is not None
    assert body.get_content().strip() == "De la part de Œuvres & Fils."
    changed = message.replace(b'filename="declaration.json"', b'filename="declaration.txt"')
    assert changed != message
    with pytest.raises(subprocess.CalledProcessError):
        openssl("-verify", "-CAfile", parties.folder / "root.pem", content=changed)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"ends": -DAY}, f"the certificate of {SENDER} is not valid now"),
        ({"address": "autre@exemple.fr"}, f"is not of {SENDER}, but of autre@exemple.fr"),
        ({"purpose": ExtendedKeyUsageOID.SERVER_AUTH}, "the certificate is not for mail"),
        ({"passphrase": "fermé"}, "its passphrase is not the one of the credentials"),
        ({"encrypt_to": "none.pem"}, "none.pem: No such file"),
        ({"encrypt_to": "ca.pem"}, "only certificates with RSA keys can be encrypted to"),
        ({"encrypt_to": "other.pem"}, f"is not of {RECIPIENT}, but of {SENDER}"),
    ],
)
def test_what_cannot_be_signed_or_closed_is_not_sent(
    parties: Parties, change: dict[str, object], said: str
) -> None:
    passphrase = str(change.pop("passphrase", PASSPHRASE))
    encrypt_to = change.pop("encrypt_to", "recipient.pem")
    key = rsa.generate_private_key(65537, 2048)
    sender = certified(
        parties.authority,
        str(change.pop("address", SENDER)),
        key,
        **change,  # type: ignore[arg-type]
    )
    (parties.folder / "other.pem").write_bytes(sender.pem)
    words = ('sign_with = "company.p12"', f'encrypt_to = "{encrypt_to}"')
    portal = mail(parties, sender, *words, passphrase=passphrase)

    with pytest.raises(UsageError) as told:
        portal.check(SENDING)

    assert said in str(told.value)
    assert parties.post.messages == []
