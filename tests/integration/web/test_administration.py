"""What an administrator and an auditor do in the console."""

import csv
import json
import re
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from httpx import Response

from quitus_collector.adapters.catalogue import bundle as catalogue_bundle
from quitus_collector.adapters.catalogue import files as catalogue_files
from quitus_collector.domain.account import Permission, Role
from quitus_collector.domain.audit import Event, Kind
from quitus_collector.web.event_words import EVENTS
from quitus_collector.web.visits import COOKIE, csrf_token
from tests.api_programs import Program
from tests.console import Browser, ConsoleHouse

# One house for all of them, on whichever core.
pytestmark = pytest.mark.xdist_group("administration")
PAGES = ("accounts", "tokens", "policies", "catalogue", "retention", "jobs")


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> ConsoleHouse:
    return ConsoleHouse(tmp_path_factory.mktemp("office") / "collector")


@pytest.fixture(scope="module")
def administrator(office: ConsoleHouse) -> Browser:
    return office.browser(Role.ADMINISTRATOR)


@pytest.fixture(scope="module")
def auditor(office: ConsoleHouse) -> Browser:
    return office.browser(Role.AUDITOR)


def upload(browser: Browser, file: Path) -> Response:
    """Sends a bundle as the form does."""
    data = {"csrf": csrf_token(browser.cookies[COOKIE])}
    files = {"bundle": (file.name, file.read_bytes())}
    return browser.post("/administration/catalogue", data=data, files=files)


def test_every_event_has_its_words() -> None:
    assert set(EVENTS) == set(Kind)


@pytest.mark.parametrize("part", PAGES)
def test_each_page_of_administration_is_for_administrators_alone(
    administrator: Browser, auditor: Browser, part: str
) -> None:
    assert administrator.get(f"/administration/{part}").status_code == 200
    assert auditor.get(f"/administration/{part}").status_code == 403


def test_an_account_is_made_and_signs_in_with_the_password_shown(
    office: ConsoleHouse, administrator: Browser
) -> None:
    page = administrator.form(
        "/administration/accounts", name="ines", full_name="Inès Durand", roles="auditor"
    )
    (password,) = re.findall(r'<code class="wrap">([^<]+)</code>', page.text)

    answer = office.anonymous().post("/sign-in", data={"name": "ines", "password": password})

    assert answer.headers["location"] == "/account/password"
    assert password not in administrator.get("/administration/accounts").text


def test_roles_are_given_and_accounts_shut_out_for_a_reason(
    office: ConsoleHouse, administrator: Browser
) -> None:
    administrator.form("/administration/accounts", name="paul", roles="auditor")
    with office.collector.store.reading() as work:
        account = work.accounts.find(name="paul")
    assert account
    here = f"/administration/accounts/{account.id}"

    shown = administrator.get(here).text
    given = administrator.form(f"{here}/roles", roles="licence-manager", reason="new post")
    shut = administrator.form(f"{here}/access", decision="disable", reason="left")

    assert {given.status_code, shut.status_code} == {303}
    assert "désactivé" in administrator.get(here).text
    with office.collector.store.reading() as work:
        (last,) = work.audit.list(last=1)
        changed = work.accounts.get(account.id)
    assert last.event.detail["reason"] == "left"
    assert (changed.roles, changed.disabled_at is None) == ({Role.LICENCE_MANAGER}, False)
    (seen,) = re.findall(r'name="seen" value="([^"]+)"', shown)
    overtaken = administrator.form(f"{here}/roles", roles="auditor", reason="late", seen=seen)
    assert overtaken.status_code == 409
    assert "modifié entre-temps par quelqu’un" in overtaken.text


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"name": "x y", "roles": "dsi"}, "x y"),
        ({"name": "lea"}, "au moins un des rôles"),
        ({"name": "lea", "roles": "king"}, "au moins un des rôles"),
    ],
)
def test_an_account_that_cannot_be_is_refused_in_a_sentence(
    administrator: Browser, form: dict[str, str], said: str
) -> None:
    answer = administrator.form("/administration/accounts", **form)

    assert answer.status_code == 422
    assert said in answer.text


def test_the_last_administrator_cannot_shut_itself_out(
    office: ConsoleHouse, administrator: Browser
) -> None:
    with office.collector.store.reading() as work:
        accounts = [e for e in work.accounts.list() if Role.ADMINISTRATOR in e.roles]
    first, *others = sorted(accounts, key=lambda each: each.name == "administrator")
    for each in others:
        administrator.form(f"/administration/accounts/{each.id}/access", decision="disable")

    answer = administrator.form(f"/administration/accounts/{first.id}/access", decision="disable")

    assert answer.status_code == 422


def test_a_token_made_on_the_page_calls_the_api_until_it_is_revoked(
    office: ConsoleHouse, administrator: Browser
) -> None:
    page = administrator.form("/administration/tokens", label="suivi", scopes="read", days="7")
    (secret,) = re.findall(r'<code class="wrap">(quitus_[^<]+)</code>', page.text)
    program = office.anonymous()
    headers = {"authorization": f"Bearer {secret}"}

    assert program.get("/api/v1/catalogue", headers=headers).status_code == 200
    refused = administrator.form("/administration/tokens", label="trop", scopes="edit")
    assert refused.status_code == 422
    assert "ucun jeton ne peut plus que qui le crée : edit" in refused.text
    assert "voit les chiffres, les courriers" in administrator.get("/audit").text
    with office.collector.store.reading() as work:
        token = next(each for each in work.api_tokens.list() if each.label == "suivi")
    assert administrator.form(f"/administration/tokens/{token.id}/revoke").status_code == 303
    assert program.get("/api/v1/catalogue", headers=headers).status_code == 401


def test_policies_are_those_of_the_settings_and_name_their_file(
    office: ConsoleHouse, administrator: Browser
) -> None:
    page = administrator.get("/administration/policies").text

    assert str(office.collector.config.home / "collector.toml") in page
    assert "coverage_percent" in page


def test_the_catalogue_is_updated_by_a_bundle_of_the_configured_key_alone(
    tmp_path: Path,
) -> None:
    keys = [Ed25519PrivateKey.generate() for _ in range(2)]
    for name, key in zip(("ours", "other"), keys, strict=True):
        (tmp_path / f"{name}.key").write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
    rules = tmp_path / "rules"
    rules.mkdir()
    (rules / "VERSION").write_text("2099.1\n")
    (rules / "acme.toml").write_bytes((catalogue_files.SHIPPED / "7-zip.toml").read_bytes())
    for name in ("ours", "other"):
        catalogue_bundle.pack(rules, tmp_path / f"{name}.key", tmp_path / f"{name}.zip")
    home = tmp_path / "collector"
    home.mkdir()
    (home / "ours.pem").write_bytes(
        keys[0]
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    (home / "collector.toml").write_text(
        '[listen]\nnames = ["localhost"]\n[console]\ncatalogue_key = "ours.pem"\n'
    )
    house = ConsoleHouse(home)
    browser = house.browser(Role.ADMINISTRATOR)

    refused = upload(browser, tmp_path / "other.zip")
    wrong = upload(browser, home / "ours.pem")
    taken = upload(browser, tmp_path / "ours.zip")

    assert (refused.status_code, wrong.status_code, taken.status_code) == (422, 422, 303)
    assert "2099.1" in browser.get("/administration/catalogue").text
    program = Program(house, Permission.READ, Permission.ADMINISTER)
    (rules / "VERSION").write_text("2099.2\n")
    newer = tmp_path / "newer.zip"
    catalogue_bundle.pack(rules, tmp_path / "ours.key", newer)
    sent = [newer.read_bytes(), (tmp_path / "other.zip").read_bytes()]
    done, failed = (program.done(program.post("catalogue/updates", content=e)) for e in sent)
    assert (done["state"], done["result"]["version"]) == ("done", "2099.2"), done
    assert (failed["state"], bool(failed["failure"])) == ("failed", True)
    assert program.get("catalogue").json()["version"] == "2099.2"
    assert program.done(program.post("catalogue/recognition"))["state"] == "done"
    with house.collector.store.reading() as work:
        made = [e.event for e in work.audit.list() if e.event.kind is Kind.CATALOGUE_UPDATED]
        assert work.fleet.counted_by() == house.collector.catalogue.digest
    assert made[-1].actor == program.issued.actor
    house.close()


def test_history_is_purged_as_a_job(office: ConsoleHouse, administrator: Browser) -> None:
    answer = administrator.form("/administration/retention", days="400")
    office.work()

    assert "conservé depuis le" in administrator.get(answer.headers["location"]).text
    assert administrator.form("/administration/retention", days="1").status_code == 422


def test_the_audit_log_is_filtered_and_turned_by_number(
    office: ConsoleHouse, auditor: Browser
) -> None:
    with office.collector.store.writing() as work:
        now = office.collector.clock.now()
        work.audit.add(*(Event(now, Kind.RENEWED, f"device d-{n:03}") for n in range(120)))

    first = auditor.get("/audit?event=renewed").text
    older = re.findall(r'href="(/audit\?[^"]+)" rel="next"', first)[0].replace("&amp;", "&")

    assert "poste d-119" in first
    assert "poste d-069" not in first
    assert "poste d-069" in auditor.get(older).text
    assert "Aucune entrée ne correspond" in auditor.get("/audit?actor=nobody").text
    today = office.collector.clock.today().isoformat()
    assert "poste d-119" in auditor.get(f"/audit?since={today}&until={today}").text
    assert "poste d-119" not in auditor.get("/audit?until=2020-01-01").text


@pytest.mark.parametrize("query", ["event=x", "since=tomorrow", "before=0", "until=0001-13-01"])
def test_a_filter_that_cannot_be_is_refused(auditor: Browser, query: str) -> None:
    assert auditor.get(f"/audit?{query}").status_code == 422


def test_the_audit_log_is_exported_as_it_is(office: ConsoleHouse, auditor: Browser) -> None:
    with office.collector.store.writing() as work:
        now = office.collector.clock.now()
        work.audit.add(Event(now, Kind.REFUSED, "=cmd|' /C calc'!A0", detail={"reason": "no"}))
    with office.collector.store.reading() as work:
        numbers = [each.number for each in work.audit.list()]

    table = list(csv.DictReader(auditor.get("/audit/export").text.splitlines()))
    objects = [json.loads(e) for e in auditor.get("/audit/export?form=json").text.splitlines()]

    # Each export is an entry itself, written down before the file is made.
    mine = numbers[-1] + 1
    assert [int(row["number"]) for row in table] == [mine, *numbers[::-1]]
    assert [each["number"] for each in objects] == [mine + 1, mine, *numbers[::-1]]
    assert (objects[0]["event"], objects[0]["subject"]) == ("exported", "audit.json")
    assert table[1]["actor"] == "'=cmd|' /C calc'!A0"
    assert objects[2]["actor"] == "=cmd|' /C calc'!A0"


def test_the_chain_is_checked_as_a_job(office: ConsoleHouse, auditor: Browser) -> None:
    answer = auditor.form("/audit/verify")
    office.work()

    assert "La chaîne est intacte" in auditor.get(answer.headers["location"]).text
