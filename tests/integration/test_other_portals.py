"""Portals that take JSON, messages, or a person's hand."""

import email
import email.policy
from collections.abc import Iterator
from pathlib import Path

import idna
import pytest

from quitus_collector.adapters import portals
from quitus_collector.errors import NotSent, OutcomeUnknown, PortalRefused, UsageError
from quitus_collector.services.ports import Portal, Sending
from tests.portal.authority import make
from tests.portal.client import PortalSite, serving
from tests.portal.post import Post, posting
from tests.portal.site import PASSWORD

A = {name: idna.encode(name).decode() for name in ("éditeur", "œuvres")}
VALUES = {"company.siren": "999000110", "company.name": "Œuvres & Fils", "reference": "Q1"}
SENDING = Sending("Q1", VALUES, {"declaration.pdf": b"%PDF-\x00", "declaration.json": b"{}"})
REST = """\
kind = "json"
address = "https://localhost:{port}"
authority = "ca.pem"
timeout_s = 5
path = "/api/declarations"
body = {{ siren = "{{company.siren}}", reference = "{{reference}}" }}
files = {{ pdf = "declaration.pdf" }}
number = "receipt.number"
look_up = "/api/declarations/{{reference}}"
check = "/api/declarations"
"""
MAIL = """\
kind = "mail"
server = "localhost"
port = {port}
encryption = "tls"
authority = "ca.pem"
timeout_s = 20
sender = "licences@œuvres.example"
recipient = "declarations@éditeur.example"
subject = "Déclaration {{reference}}"
text = "De la part de {{company.name}}."
"""
HAND = """\
kind = "hand"
address = "https://conformité.example"
steps = ["Ouvrir le site"]
fields = [{ label = "SIREN", value = "{company.siren}" }]
"""


def loaded(folder: Path, text: str, **secrets: str) -> Portal:
    (folder / "p.toml").write_text(text)
    (folder / "secrets").mkdir(exist_ok=True)
    if secrets:
        file = folder / "secrets" / "p.toml"
        file.touch(0o600)
        file.write_text("".join(f'{name} = "{value}"\n' for name, value in secrets.items()))
    return portals.load(folder, folder / "secrets", "p")


@pytest.fixture
def site(tmp_path: Path) -> Iterator[PortalSite]:
    with serving(tmp_path) as started:
        yield started


@pytest.fixture
def rest(site: PortalSite) -> Portal:
    token = PASSWORD.encode().hex()
    return loaded(site.folder, REST.format(port=site.port), token=token)


def test_json_is_sent_once_and_found_again(site: PortalSite, rest: Portal) -> None:
    rest.check(SENDING)
    assert rest.look_up("Q1") is None

    assert rest.submit(SENDING).number == "R-000001"

    found = rest.look_up("Q1")
    assert found is not None
    assert found.number == "R-000001"
    assert [each.label for each in rest.disclose(SENDING)] == ["siren", "reference", "pdf"]


def test_what_json_says_of_failure(site: PortalSite, rest: Portal) -> None:
    wrong = Sending("Q1", {**VALUES, "company.siren": "1"}, SENDING.files)
    with pytest.raises(PortalRefused, match=r"\(422\): .*siren"):
        rest.submit(wrong)
    site.tell(drop="after")
    with pytest.raises(OutcomeUnknown, match="gave no answer"):
        rest.submit(SENDING)
    found = rest.look_up("Q1")
    assert found is not None
    with pytest.raises(NotSent, match="answers 401"):
        loaded(site.folder, REST.format(port=site.port), token="x").check(SENDING)


@pytest.fixture
def post(tmp_path: Path) -> Iterator[Post]:
    with posting(make(tmp_path)) as server:
        yield server


@pytest.fixture
def mail(post: Post, tmp_path: Path) -> Portal:
    text = MAIL.format(port=post.server_address[1])
    return loaded(tmp_path, text, user="licences", password="secret")


def test_a_message_has_the_files_and_its_id_is_the_receipt(post: Post, mail: Portal) -> None:
    mail.check(SENDING)
    assert post.messages == []

    accepted = mail.submit(SENDING)

    message = email.message_from_bytes(post.messages[0], policy=email.policy.default)
    files = {part.get_filename(): part.get_content() for part in message.iter_attachments()}
    assert files == SENDING.files
    assert message["Subject"] == "Déclaration Q1"
    assert message["To"] == f"declarations@{A['éditeur']}.example"
    assert accepted.number == message["Message-ID"] == f"<Q1@{A['œuvres']}.example>"
    assert b"taken as 42" in accepted.page


@pytest.mark.parametrize(
    ("verb", "said", "error"),
    [
        ("AUTH", "535 no", NotSent),
        ("MAIL", "451 later", NotSent),
        ("RCPT", "550 unknown", PortalRefused),
        ("DATA", "451 later", NotSent),
        (".", "554 no", PortalRefused),
        (".", "451 later", NotSent),
        (".", "drop", OutcomeUnknown),
    ],
)
def test_what_a_mail_server_says_is_told(
    post: Post, mail: Portal, verb: str, said: str, error: type[Exception]
) -> None:
    post.said = {verb: said}

    with pytest.raises(error):
        mail.submit(SENDING)


def test_a_message_cannot_be_asked_after(mail: Portal) -> None:
    with pytest.raises(OutcomeUnknown, match="for Q1"):
        mail.look_up("Q1")


def test_by_hand_everything_is_written_down_and_nothing_sent(tmp_path: Path) -> None:
    hand = loaded(tmp_path, HAND)

    hand.check(SENDING)

    assert [(each.label, each.value) for each in hand.disclose(SENDING)] == [
        ("1.", "Ouvrir le site"),
        ("SIREN", "999000110"),
        ("file", "declaration.pdf"),
        ("file", "declaration.json"),
    ]
    with pytest.raises(OutcomeUnknown, match="by hand at https://conformité"):
        hand.submit(SENDING)


def test_what_is_not_a_mail_address_is_refused(post: Post, tmp_path: Path) -> None:
    text = MAIL.format(port=post.server_address[1]).replace("declarations@", "")

    with pytest.raises(UsageError, match="is not a mail address"):
        loaded(tmp_path, text).check(SENDING)
