"""The portal of web forms against a real site, over HTTPS."""

import ssl
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from quitus_collector.adapters.portals import description
from quitus_collector.adapters.portals.form import WebPortal
from quitus_collector.adapters.portals.https import travel
from quitus_collector.errors import (
    NotSent,
    OutcomeUnknown,
    PortalMismatch,
    PortalRefused,
    UsageError,
)
from quitus_collector.services.ports import Sending
from tests.portal.client import CREDENTIALS, PortalSite, serving

VALUES = {
    "company.name": "Œuvres & Fils",
    "company.siren": "999000110",
    "totals.gap": "2",
    "reference": "Q1",
}
SENDING = Sending("Q1", VALUES, {"declaration.pdf": b"%PDF-\x00\xff", "declaration.json": b"{}"})


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PortalSite]:
    with serving(tmp_path_factory.mktemp("portal")) as site:
        yield site


@pytest.fixture
def site(started: PortalSite) -> PortalSite:
    started.tell(idle=True, reset=True)
    return started


def portal(site: PortalSite, **changes: object) -> WebPortal:
    described = description.read(site.describe(), "site")
    assert isinstance(described, description.FormPortal)
    return WebPortal(described.model_copy(update=changes), CREDENTIALS)


def test_it_files_once_and_finds_it_again(site: PortalSite) -> None:
    made = portal(site)
    made.check(SENDING)
    assert site.receipts() == []
    assert made.look_up("Q1") is None

    accepted = made.submit(SENDING)

    (filed,) = site.receipts()
    assert (accepted.number, filed["number"]) == ("R-000001", "R-000001")
    assert (filed["raison"], filed["siren"], filed["taille"]) == (
        "Œuvres & Fils",
        "999000110",
        "pme",
    )
    assert b"R-000001" in accepted.page
    found = made.look_up("Q1")
    assert found is not None
    assert found.number == "R-000001"


def test_what_leaves_the_house_is_told_field_by_field_and_sends_nothing(site: PortalSite) -> None:
    told = portal(site).disclose(SENDING)

    assert ("Votre société", "N° SIREN", "999000110") in [
        (each.page, each.label, each.value) for each in told
    ]
    assert [each.value for each in told if each.page == "Vos chiffres"] == [
        "2",
        "declaration.pdf",
        "declaration.json",
    ]
    assert site.tell()["requests"] == []


def test_a_duplicate_answers_with_the_receipt_that_is_there(site: PortalSite) -> None:
    first = portal(site).submit(SENDING)

    assert portal(site).submit(SENDING).number == first.number
    assert len(site.receipts()) == 1


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ({"names": {"siren": "n_siren", "reference": "ref"}}, "no field named 'reference'"),
        ({"asks_more": True}, "asks for “Numéro de TVA”, which its description lacks"),
        ({"elsewhere": "https://elsewhere.example"}, "leads elsewhere"),
        ({"elsewhere": "http://localhost"}, "leads elsewhere"),
    ],
)
def test_a_portal_that_is_not_as_described_is_refused_before_anything_is_sent(
    site: PortalSite, fault: dict[str, object], said: str
) -> None:
    site.tell(**fault)

    with pytest.raises(PortalMismatch, match=said):
        portal(site).check(SENDING)

    assert [each for each in site.tell()["requests"] if "POST" in each] == ["POST /connexion"]


def test_a_page_that_changed_in_the_middle_is_refused_too(site: PortalSite) -> None:
    made = portal(site)
    site.tell(names={"ecarts": "gaps", "json": "donnees"})

    with pytest.raises(PortalMismatch, match="“Vos chiffres” has no field named 'json'"):
        made.check(SENDING)


@pytest.mark.parametrize("fault", [{"drop": "before"}, {"drop": "after"}, {"error_after": True}])
def test_silence_after_the_last_page_is_no_answer(
    site: PortalSite, fault: dict[str, object]
) -> None:
    site.tell(**fault)

    with pytest.raises(OutcomeUnknown):
        portal(site).submit(SENDING)

    found = portal(site).look_up("Q1")
    assert [found.number if found else ""] == [
        each["number"] for each in site.receipts()
    ] or not site.receipts()


def test_a_site_that_never_answers_is_given_up_in_time(site: PortalSite) -> None:
    site.tell(hold=True)

    with pytest.raises(OutcomeUnknown, match="no answer to the last page"):
        portal(site, timeout_s=1).submit(SENDING)

    assert len(site.receipts()) == 1


@pytest.mark.parametrize("page", [1, 2])
def test_an_error_before_the_last_page_leaves_the_portal_without_it(
    site: PortalSite, page: int
) -> None:
    site.tell(error_once=f"POST /declaration/{page}")

    with pytest.raises(NotSent, match=rf"/declaration/{page} answers 500"):
        portal(site).submit(SENDING)

    assert site.receipts() == []


def test_a_refusal_is_told_in_the_sites_own_words(site: PortalSite) -> None:
    site.tell(says_no="campagne close")

    with pytest.raises(PortalRefused, match="campagne close"):
        portal(site).submit(SENDING)


def test_a_page_without_a_receipt_is_no_receipt(site: PortalSite) -> None:
    site.tell(lost_page=True)

    with pytest.raises(OutcomeUnknown, match="without a receipt"):
        portal(site).submit(SENDING)


def test_wrong_credentials_are_said(site: PortalSite) -> None:
    described = description.read(site.describe(), "site")
    assert isinstance(described, description.FormPortal)

    with pytest.raises(NotSent, match="does not let these credentials in"):
        WebPortal(described, {**CREDENTIALS, "password": "?"}).check(SENDING)


def test_a_site_whose_authority_is_not_trusted_gets_nothing(site: PortalSite) -> None:
    with pytest.raises(NotSent, match="certificate verify failed"):
        portal(site, authority="").check(SENDING)

    assert site.tell(idle=True)["requests"] == []


class ToLoopback(httpx.BaseTransport):
    """A name server for one name: what a test cannot have."""

    def __init__(self, context: ssl.SSLContext, proxy: str) -> None:
        self._inner = travel(context, proxy)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        name = request.url.raw_host.decode()
        url = request.url.copy_with(host="127.0.0.1")
        sent = httpx.Request(request.method, url, headers=request.headers, stream=request.stream)
        sent.extensions = {**request.extensions, "sni_hostname": name}
        return self._inner.handle_request(sent)

    def close(self) -> None:
        self._inner.close()


def test_an_address_may_have_accents(site: PortalSite) -> None:
    folder = site.describe("accents", "conformité-logiciels.example")
    described = description.read(folder, "accents")
    assert isinstance(described, description.FormPortal)

    accepted = WebPortal(described, CREDENTIALS, ToLoopback).submit(SENDING)

    assert accepted.number == "R-000001"


def test_credentials_that_others_may_read_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "site.toml"
    file.write_text('user = "a"\npassword = "b"\n')
    file.chmod(0o640)
    with pytest.raises(UsageError, match="chmod 600"):
        description.credentials(tmp_path, "site", None)
    file.chmod(0o600)

    assert description.credentials(tmp_path, "site", None) == {"user": "a", "password": "b"}


def test_credentials_may_come_from_systemd_and_lie_in_no_file(tmp_path: Path) -> None:
    given = tmp_path / "credentials"
    given.mkdir()
    (given / "portal-site").write_text('token = "t"\n')

    assert description.credentials(tmp_path, "site", given) == {"token": "t"}
    assert description.credentials(tmp_path, "another", given) == {}
    (tmp_path / "site.toml").touch(0o600)
    with pytest.raises(UsageError, match="systemd has these credentials too"):
        description.credentials(tmp_path, "site", given)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ('kind = "form"\naddress = "http://a.example"', "is not an address like https://"),
        ('kind = "fax"', "kind"),
        ("kind = ", "Invalid value"),
    ],
)
def test_a_description_that_makes_no_sense_is_named(tmp_path: Path, change: str, said: str) -> None:
    (tmp_path / "p.toml").write_text(change)

    with pytest.raises(UsageError, match=f"p.toml: .*{said}"):
        description.read(tmp_path, "p")


def test_a_name_that_nothing_has_is_refused_before_anything_is_sent(site: PortalSite) -> None:
    values = {name: value for name, value in VALUES.items() if name != "totals.gap"}

    with pytest.raises(UsageError, match=r"“Vos chiffres”: nothing is called \{totals.gap\}"):
        portal(site).check(Sending("Q1", values, SENDING.files))
