"""A declaration in the console, from its draft to the receipt, and who may do what."""

import base64
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from httpx import Response

from quitus_collector.adapters.declaration import evidence as evidence_files
from quitus_collector.domain.account import Account, Permission, Role
from quitus_collector.domain.filing import State
from quitus_collector.domain.job import JobState
from quitus_collector.errors import FilingRefused
from quitus_collector.services.ports import Paper
from quitus_collector.web.uploads import uploaded
from quitus_collector.web.visits import COOKIE, csrf_token
from quitus_collector.wiring import accounts, filing
from tests.api_programs import Program
from tests.console import Browser, ConsoleHouse, at_portal
from tests.makers.signing import Authority
from tests.portal.client import PortalSite, serving


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PortalSite]:
    with serving(tmp_path_factory.mktemp("site")) as started:
        yield started


@pytest.fixture(scope="module")
def office(house: ConsoleHouse, site: PortalSite) -> "Office":
    at_portal(house, site)
    return Office(house)


class Office:
    """Who drafts and who approves, and what both do in every test."""

    def __init__(self, house: ConsoleHouse) -> None:
        self.house = house
        self.manager = house.browser(Role.LICENCE_MANAGER)
        self.dsi = house.browser(Role.DSI)

    def done(self, answer, browser: Browser) -> str:  # type: ignore[no-untyped-def]
        """Where a job led to."""
        assert answer.status_code == 303, answer.text
        self.house.work()
        where = answer.headers["location"]
        told = browser.get(f"{where}/progress").headers.get("location", "")
        return told or browser.get(where).text

    def drafted(self) -> str:
        """The path of a new declaration."""
        return self.done(
            self.manager.form("/declarations/new", publisher="microsoft"), self.manager
        )

    def read(self, path: str) -> None:
        """Page by page, as long as there is something to read."""
        address: str | None = path
        while address:
            page = self.manager.get(address).text
            lines = re.findall(r'name="lines" value="([^"]*)"', page)
            if lines:
                self.manager.form(f"{path}/read", lines=lines[-1])
            later = re.search(r'rel="next" href="([^"]+)"', page)
            address = later[1].replace("&amp;", "&") if later else None

    def approved(self, path: str) -> None:
        page = self.dsi.get(f"{path}/disclosure?portal=site").text
        (digest,) = re.findall(r'name="digest" value="([0-9a-f]{64})"', page)
        aside = {
            f"{kind}-{guard}": value
            for guard in re.findall(r'name="aside-([a-z-]+)"', page)
            for kind, value in (("aside", "1"), ("reason", "Vu avec le service"))
        }
        answer = self.dsi.form(f"{path}/approve", portal="site", digest=digest, **aside)
        assert answer.status_code == 303, answer.text

    def sealed(self) -> str:
        path = self.drafted()
        self.read(path)
        self.approved(path)
        self.done(self.dsi.form(f"{path}/seal"), self.dsi)
        return path

    def submit(self, path: str) -> str:
        page = self.dsi.get(f"{path}/submission").text
        (digest,) = re.findall(r'name="digest" value="([0-9a-f]{64})"', page)
        answer = self.dsi.form(f"{path}/submit", portal="site", digest=digest)
        where = self.done(answer, self.dsi)
        return self.dsi.get(where).text if where.startswith("/") else where

    def state(self, path: str) -> State:
        with self.house.collector.store.reading() as work:
            return work.filings.get(path.rpartition("/")[2]).state


def test_an_empty_collector_says_who_drafts(empty_house: ConsoleHouse) -> None:
    page = empty_house.browser(Role.DSI).get("/declarations").text

    assert "Aucune déclaration n’a encore été préparée" in page
    assert "gestionnaire de licences" in page


def test_it_goes_from_draft_to_receipt_in_the_hands_of_two_people(
    office: Office, site: PortalSite
) -> None:
    path = office.sealed()
    page = office.submit(path)

    number = site.receipts()[-1]["number"]
    assert office.state(path) is State.SUBMITTED
    assert number in page
    assert number in office.dsi.get("/declarations").text
    pdf = office.dsi.get(f"{path}/files/declaration.pdf")
    assert pdf.content.startswith(b"%PDF")
    verified = office.dsi.form(f"{path}/verify").text
    assert "chaque chiffre est la somme" in verified
    assert "Niveau atteint" in verified
    # A program shows with the proof of a device that it was counted; another proof does not.
    program = Program(office.house, Permission.READ)
    claimed = {"declaration": in_base64(pdf.content), "proof": in_base64(proof_in(office, path))}
    shown = program.post("verifications/devices", json=claimed)
    forged = proof_in(office, path).replace(b'"device":', b'"devise":')
    refused = program.post("verifications/devices", json={**claimed, "proof": in_base64(forged)})
    plain = program.post("verifications", content=pdf.content).json()
    (of_device,) = [each for each in shown.json()["checks"] if each not in plain["checks"]]
    assert of_device["outcome"] == "passed"
    assert refused.status_code == 422


def test_an_account_that_was_reset_seals_submits_and_withdraws_nothing_that_others_approved(
    office: Office, site: PortalSite
) -> None:
    house = office.house
    path = office.sealed()
    filing_id = path.rpartition("/")[2]
    reset = house.browser(Role.DSI, Role.ADMINISTRATOR)
    with house.collector.store.writing() as work:
        (account,) = (e for e in work.accounts.list() if e.roles == {Role.DSI, Role.ADMINISTRATOR})
        later = house.collector.clock.now() + timedelta(hours=24)
        work.accounts.add(replace(account, approves_from=later))
    program = Program(house, Permission.APPROVE, by=account.actor)

    page = reset.get(f"{path}/submission").text
    answers = [
        reset.form(f"{path}/seal"),
        reset.form(f"{path}/submit", portal="site", digest="0" * 64),
        reset.form(f"{path}/withdraw", reason="plus tard"),
        program.post(f"{path[1:]}/seal"),
        program.post(f"{path[1:]}/submission", json={"portal": "site"}),
        program.post(f"{path[1:]}/withdrawal", json={"reason": "later"}),
    ]

    assert "ne scelle et ne dépose rien avant le" in page
    assert f"{path}/submit" not in page
    assert [each.status_code for each in answers] == [409] * 6
    assert all(account.name in each.text for each in answers)
    # A job that was asked for before is refused as well.
    person = house.collector.acting_as(account.actor, "fr")
    for step in (
        lambda: filing.seal(person, filing_id),
        lambda: filing.submit(person, filing_id, "site", ""),
    ):
        with pytest.raises(FilingRefused, match=account.name):
            step()
    assert office.state(path) is State.SEALED
    site.tell(reset=True)
    office.submit(path)
    assert office.state(path) is State.SUBMITTED


def in_base64(content: bytes) -> str:
    return base64.b64encode(content).decode()


def proof_in(office: Office, path: str) -> bytes:
    """That a device was counted in a declaration that is kept."""
    with office.house.collector.store.reading() as work:
        kept = work.papers.find(path.rpartition("/")[2], Paper.EVIDENCE)
    with uploaded(kept or b"", "evidence.json") as file:
        evidence = evidence_files.read(file)
    device = next(part.device for members in evidence.parts.values() for part in members)
    return evidence_files.write_proof(evidence.proofs(device)[0])


def test_a_role_that_is_lost_while_a_job_works_ends_it_before_anything_is_kept_or_sent(
    office: Office, site: PortalSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = office.house
    path = office.drafted()
    office.read(path)
    office.approved(path)
    site.tell(reset=True)
    portal = type(filing.portal(house.collector, "site"))

    def losing(kind: type, method: str) -> Browser:
        """One who approves, and is disabled once the job has done that much."""
        leaving, real = house.browser(Role.DSI), getattr(kind, method)
        name = accounts_of(house)[-1].name

        def done(*given: object) -> object:
            result = real(*given)
            monkeypatch.setattr(kind, method, real)
            accounts.change(house.collector, name, is_disabled=True, reason="parti")
            return result

        monkeypatch.setattr(kind, method, done)
        return leaving

    def failure(answer: Response) -> str:
        assert answer.status_code == 303, answer.text
        house.work()
        with house.collector.store.reading() as work:
            job = work.jobs.get(answer.headers["location"].rpartition("/")[2])
        assert job.state is JobState.FAILED
        return job.failure

    unsealed = failure(losing(filing.DeclarationSealer, "seal").form(f"{path}/seal"))
    assert "ne le permet plus" in unsealed
    assert office.state(path) is State.APPROVED
    office.done(office.dsi.form(f"{path}/seal"), office.dsi)
    page = office.dsi.get(f"{path}/submission").text
    (digest,) = re.findall(r'name="digest" value="([0-9a-f]{64})"', page)
    leaving = losing(portal, "check")
    unsent = failure(leaving.form(f"{path}/submit", portal="site", digest=digest))
    assert "ne le permet plus" in unsent
    assert office.state(path) is State.SEALED
    assert not site.receipts()


def accounts_of(house: ConsoleHouse) -> list[Account]:
    with house.collector.store.reading() as work:
        return sorted(work.accounts.list(), key=lambda each: each.made_at)


def test_a_program_seals_and_submits_what_people_approved_and_the_receipt_is_sealed(
    office: Office, site: PortalSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = office.drafted()
    office.read(path)
    office.approved(path)
    house, here = office.house, path[1:]
    config = house.collector.config
    Authority(house.collector.clock.now()).certify("Œuvres & Fils").pkcs12(config.home)
    seal = replace(
        config.seal,
        certificate=config.home / "company.p12",
        passphrase_file=config.home / "passphrase",
    )
    monkeypatch.setattr(house.collector, "config", replace(config, seal=seal))
    site.tell(reset=True)
    program = Program(house, Permission.READ, Permission.APPROVE)

    early = program.post(f"{here}/submission", json={"portal": "site"})
    sealed = program.done(program.post(f"{here}/seal"))
    nowhere = program.post(f"{here}/submission", json={"portal": "nowhere"})
    sent = program.done(program.post(f"{here}/submission", json={"portal": "site"}))
    again = program.post(f"{here}/submission", json={"portal": "site"})

    assert (early.status_code, nowhere.status_code, again.status_code) == (409, 422, 409)
    assert (sealed["state"], sent["state"]) == ("done", "done"), (sealed, sent)
    assert sent["result"] == {"declaration": path.rpartition("/")[2]}
    made = program.get(here).json()
    assert made["state"] == "submitted"
    assert made["attempts"][0]["by"] == program.issued.actor
    assert len(site.receipts()) == 1
    assert program.get(f"{here}/papers/receipt-seal").content.startswith(b"0")
    assert program.post(f"{here}/verification").json()["level"]


def test_lines_are_read_one_by_one_each_with_its_reason(office: Office) -> None:
    path = office.drafted()
    page = office.manager.get(path).text
    first, *_ = re.findall(r'name="lines" value="([^" ]+)"', page)

    office.manager.form(f"{path}/read", lines=first)
    after = office.manager.get(path).text

    assert f'value="{first}"' not in after.replace(f'<option value="{first}">', "")
    assert "relue" in after
    assert "sans licence" in page
    assert office.state(path) is State.DRAFT


def test_who_drafts_does_not_approve_and_who_approves_does_not_draft(office: Office) -> None:
    path = office.drafted()

    refused = {
        office.manager.form(f"{path}/{step}").status_code
        for step in ("approve", "seal", "submit", "ask", "submitted", "not-submitted", "withdraw")
    }
    others = {
        office.dsi.form(f"{path}/{step}").status_code
        for step in ("read", "remarks", "remarks/remove", "discard")
    }

    assert (refused, others) == ({403}, {403})
    assert office.dsi.get(f"{path}/evidence").status_code == 403
    assert office.manager.get(f"{path}/evidence").status_code == 200


def test_an_approver_names_what_was_shown(office: Office) -> None:
    path = office.drafted()
    office.read(path)

    wrong = office.dsi.form(f"{path}/approve", portal="site", digest="0" * 64)

    assert wrong.status_code == 422
    assert office.state(path) is State.REVIEWED


def test_a_guard_is_told_and_set_aside_only_for_a_reason(office: Office) -> None:
    path = office.drafted()
    page = office.dsi.get(f"{path}/disclosure?portal=site").text
    (digest,) = re.findall(r'name="digest" value="([0-9a-f]{64})"', page)

    silent = office.dsi.form(
        f"{path}/approve", portal="site", digest=digest, **{"aside-unread-lines": "1"}
    )

    assert "ne sont pas relues" in office.manager.get(path).text
    assert silent.status_code == 409
    assert "checked" in silent.text
    assert office.state(path) is State.DRAFT


def test_a_remark_is_kept_and_taken_out_and_a_wrong_one_loses_no_text(office: Office) -> None:
    path = office.drafted()

    wrong = office.manager.form(f"{path}/remarks", kind="remedy", text="Achat de licences")
    office.manager.form(f"{path}/remarks", kind="reservation", text="Sous réserve du site B")
    kept = office.manager.get(path).text
    office.manager.form(f"{path}/remarks/remove", number="1")

    assert wrong.status_code == 422
    assert "Achat de licences</textarea>" in wrong.text
    assert "Sous réserve du site B" in kept
    assert "Sous réserve du site B" not in office.manager.get(path).text


def test_what_is_not_known_is_shown_as_such_and_a_person_may_settle_it(
    office: Office, site: PortalSite
) -> None:
    path = office.sealed()
    site.tell(reset=True, drop="after")
    page = office.submit(path)
    site.tell(reset=False, drop="")

    early = office.dsi.form(f"{path}/not-submitted", reason="Rien vu sur le site")
    asked = office.done(office.dsi.form(f"{path}/ask"), office.dsi)

    assert "L’issue n’est pas connue" in page
    assert "Interroger le portail" in page
    assert early.status_code == 409
    assert asked == f"{path}/submission"
    assert office.state(path) is State.SUBMITTED


def test_a_receipt_that_a_person_has_settles_it_too(office: Office, site: PortalSite) -> None:
    path = office.sealed()
    site.tell(reset=True, drop="after")
    office.submit(path)
    site.tell(reset=True)

    data = {"number": "R-17", "csrf": csrf_token(office.dsi.cookies[COOKIE])}
    office.dsi.post(f"{path}/submitted", data=data, files={"file": ("r.html", b"<p>R-17</p>")})

    page = office.dsi.get(f"{path}/submission").text
    assert "R-17" in page
    assert office.dsi.get(f"{path}/files/receipt.page").content == b"<p>R-17</p>"
    assert (
        "attachment" in office.dsi.get(f"{path}/files/receipt.page").headers["content-disposition"]
    )


def test_a_submission_that_is_done_twice_sends_once(office: Office, site: PortalSite) -> None:
    path = office.sealed()
    site.tell(reset=True)
    office.submit(path)

    again = office.dsi.form(f"{path}/submit", portal="site", digest="")
    told = office.done(again, office.dsi)

    assert len(site.receipts()) == 1
    assert 'role="alert"' in told or told == f"{path}/submission"


def test_two_that_are_asked_for_at_once_are_two_and_one_that_is_done_again_is_one(
    office: Office,
) -> None:
    asked = [
        office.manager.form("/declarations/new", publisher="microsoft").headers["location"]
        for _ in range(2)
    ]
    office.house.work()
    first, second = (office.manager.get(f"{each}/progress").headers["location"] for each in asked)
    store = office.house.collector.store
    with store.writing() as work:
        before = len(work.filings.list())
        # As a process leaves it that dies before it tells.
        job = work.jobs.get(asked[0].rpartition("/")[2])
        work.jobs.add(replace(job, state=JobState.QUEUED, result={}))
    office.house.work()

    assert first != second
    assert office.manager.get(f"{asked[0]}/progress").headers["location"] == first
    with store.reading() as work:
        assert len(work.filings.list()) == before


def test_two_are_compared_and_one_is_counted_again(office: Office) -> None:
    one, other = office.drafted(), office.drafted()
    ids = {"before": one.rpartition("/")[2], "after": other.rpartition("/")[2]}

    compared = office.dsi.get("/declarations/compare", params=ids).text
    again = office.done(office.dsi.form(f"{one}/reopen"), office.dsi)

    assert "Aucune ligne ne diffère" in compared
    assert "les mêmes chiffres" in again


def test_a_draft_is_put_aside_by_who_drafts_and_withdrawn_by_who_approves(office: Office) -> None:
    one, other = office.drafted(), office.drafted()

    office.manager.form(f"{one}/discard", reason="Doublon")
    late = office.manager.form(f"{office.sealed()}/discard", reason="Doublon")
    office.dsi.form(f"{other}/withdraw", reason="Sans objet")

    assert {office.state(one), office.state(other)} == {State.WITHDRAWN}
    assert "Doublon" in office.dsi.get(one).text
    assert late.status_code == 409


@pytest.mark.parametrize(
    ("name", "content"), [("a.pdf", b"%PDF-1.7 no"), ("b.docx", b"PK\x03\x04"), ("c.pdf", b"")]
)
def test_what_is_no_declaration_is_told_when_it_is_verified(
    office: Office, name: str, content: bytes
) -> None:
    data = {"csrf": csrf_token(office.dsi.cookies[COOKIE])}

    answer = office.dsi.post("/verify", data=data, files={"file": (name, content)})

    assert answer.status_code in (200, 422)
    assert 'role="alert"' in answer.text or "n’est pas valable" in answer.text
    assert "quitus-upload" not in answer.text
