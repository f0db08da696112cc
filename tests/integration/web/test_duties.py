"""Duties stay separate, whoever gives the roles; and who approves is told what becomes of them."""

from dataclasses import replace
from datetime import timedelta

import pytest

from quitus_collector.domain.account import Permission, Role
from quitus_collector.domain.audit import Kind
from quitus_collector.errors import FilingRefused, SignInRefused, UsageError
from quitus_collector.services import api_tokens, duties, signing_in
from quitus_collector.settings_file import MailTable
from quitus_collector.wiring import accounts
from tests.api_programs import Program
from tests.console import ConsoleHouse

WHY = "remplace Claire"


def test_no_account_both_edits_and_approves(empty_house: ConsoleHouse) -> None:
    both = [Role.DSI, Role.LICENCE_MANAGER]
    door = empty_house.console.door

    with pytest.raises(UsageError, match="both edit and approve"):
        accounts.add(empty_house.collector, "zoe", "Zoé", both, reason=WHY)
    with pytest.raises(SignInRefused, match="both edit and approve"):
        signing_in.sign_in_by_company(door, "s", "zoe", "Zoé", "", both)

    accounts.add(empty_house.collector, "zoe", "Zoé", [Role.LICENCE_MANAGER])
    with pytest.raises(UsageError, match="both edit and approve"):
        accounts.change(empty_house.collector, "zoe", roles=both, reason=WHY)


def test_nobody_gives_roles_to_the_own_account_nor_to_that_of_the_token_s_maker(
    empty_house: ConsoleHouse,
) -> None:
    administrator = empty_house.collector.acting_as("account administrator", "en")
    wanted = [Role.ADMINISTRATOR, Role.DSI]

    with pytest.raises(UsageError, match="nobody changes the own roles"):
        accounts.change(administrator, "administrator", roles=wanted, reason=WHY)
    program = empty_house.collector.acting_as("token script", "en")
    with pytest.raises(UsageError, match="nobody changes the own roles"):
        accounts.change(
            program,
            "administrator",
            roles=wanted,
            reason=WHY,
            on_behalf_of="account administrator",
        )


def test_who_approves_is_told_until_it_was_seen(empty_house: ConsoleHouse) -> None:
    dsi = empty_house.browser(Role.DSI)
    administrator = empty_house.browser(Role.ADMINISTRATOR)
    assert "Les droits de personnes" not in dsi.get("/").text

    made = {"name": "mallory", "full_name": "Denis Leroy", "roles": "dsi"}
    assert administrator.form("/administration/accounts", **made).status_code == 422
    administrator.form("/administration/accounts", **made, reason="<b>départ</b>")

    shown = dsi.get("/").text
    assert "a modifié compte mallory : a reçu un rôle qui approuve" in shown
    assert "&lt;b&gt;départ&lt;/b&gt;" in shown
    (number,) = {part.split('"')[0] for part in shown.split('name="number" value="')[1:]}
    assert "Les droits de personnes" not in administrator.get("/").text
    dsi.form("/account/alerts", number=number)
    assert "Les droits de personnes" not in dsi.get("/").text


def test_who_approves_gets_a_letter_and_no_bad_address_keeps_another_from_it(
    empty_house: ConsoleHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    collector = empty_house.collector
    mail = MailTable(server="smtp.test", sender="q@company.test", recipients=["it@company.test"])
    settings = replace(collector.config.console, mail=mail)
    for name, email in (("denis", "denis@company.test"), ("eve", "x\ny@z")):
        roles = [Role.DSI]
        accounts.add(collector, name, name, roles, email=email, reason=WHY)
    monkeypatch.setattr(collector, "config", replace(collector.config, console=settings))

    accounts.reset(collector, "denis", reason="téléphone\nperdu")

    with collector.store.reading() as work:
        letters = {each.arguments["to"]: work.jobs.content(each.id) for each in work.jobs.open()}
    assert sorted(letters) == ["denis@company.test", "it@company.test"]
    text = letters["it@company.test"].decode()
    assert "account denis, qui approuve les déclarations" in text
    assert "Motif : téléphone perdu" in text


def test_an_account_that_an_administrator_made_able_to_approves_nothing_for_a_day(
    empty_house: ConsoleHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    collector = empty_house.collector
    accounts.add(collector, "first", "First", [Role.DSI], reason=WHY)
    accounts.add(collector, "second", "Second", [Role.DSI], reason=WHY)

    def why_not(name: str) -> str:
        """Why it cannot approve; any other reason than its account comes after that one."""
        with collector.store.writing() as work:
            try:
                duties.must_not_wait(work, f"account {name}", collector.clock.now())
            except FilingRefused as error:
                return str(error)
        return ""

    # Nobody approved before the first: it takes nobody's place.
    assert why_not("first") == ""
    assert "second approves, seals and submits from" in why_not("second")
    with collector.store.writing() as work:
        account = work.accounts.find(name="first")
        assert account
        work.accounts.add(account.succeeded(collector.clock.now()))
    with pytest.raises(UsageError, match="say why"):
        accounts.reset(collector, "first")
    accounts.reset(collector, "first", reason="téléphone perdu")
    assert "first approves, seals and submits from" in why_not("first")

    later = collector.clock.now() + timedelta(hours=25)
    monkeypatch.setattr(type(collector.clock), "now", lambda _self: later)
    assert (why_not("first"), why_not("second")) == ("", "")


def test_an_account_that_has_both_from_before_approves_nothing(empty_house: ConsoleHouse) -> None:
    both = empty_house.browser(Role.LICENCE_MANAGER)
    with empty_house.collector.store.writing() as work:
        (account,) = (each for each in work.accounts.list() if Role.LICENCE_MANAGER in each.roles)
        work.accounts.add(replace(account, roles=account.roles | {Role.DSI}))

    assert both.form("/declarations/x/approve").status_code == 403
    assert both.get("/pools").status_code == 200
    shown = empty_house.browser(Role.ADMINISTRATOR).get("/administration/accounts").text
    assert "modifient et approuvent à la fois" in shown


def test_who_comes_after_an_approver_of_before_waits_all_the_same(
    empty_house: ConsoleHouse,
) -> None:
    collector = empty_house.collector
    accounts.add(collector, "first", "First", [Role.DSI], reason=WHY)
    with collector.store.writing() as work:
        # As accounts are that were made before waits were kept.
        account = work.accounts.find(name="first")
        assert account is not None
        work.accounts.add(replace(account, approves_from=None))
    accounts.change(collector, "first", roles=[Role.AUDITOR], reason=WHY)

    accounts.add(collector, "second", "Second", [Role.DSI], reason=WHY)

    with collector.store.reading() as work, pytest.raises(FilingRefused, match="second"):
        duties.must_not_wait(work, "account second", collector.clock.now())


def test_a_token_opens_no_more_than_who_made_it_may_do_now(empty_house: ConsoleHouse) -> None:
    collector = empty_house.collector
    both = [Role.ADMINISTRATOR, Role.LICENCE_MANAGER]
    accounts.add(collector, "zoe", "Zoé", both)
    zoe = empty_house.browser(*both)
    scopes = (Permission.READ, Permission.EDIT)
    parent = Program(empty_house, Permission.ADMINISTER, Permission.READ, by="account zoe")
    program = Program(empty_house, *scopes, by="account zoe")
    child = Program(empty_house, Permission.READ, by=parent.issued.actor)
    with pytest.raises(UsageError, match="more than who makes it: approve"):
        Program(empty_house, Permission.APPROVE, by="account zoe")
    with pytest.raises(UsageError, match="more than who makes it: edit"):
        Program(empty_house, Permission.EDIT, by=parent.issued.actor)

    def statuses() -> tuple[int, ...]:
        edit = program.post("imports/preview", content=b"product;quantity")
        return edit.status_code, *(each.get("prices").status_code for each in (program, child))

    before = statuses()
    accounts.change(collector, "zoe", roles=[Role.ADMINISTRATOR])
    demoted = statuses()
    listed = zoe.get("/administration/tokens").text
    accounts.change(collector, "zoe", is_disabled=True)
    disabled = statuses()
    shown = zoe.get("/administration/tokens").text

    assert (before, demoted, disabled) == ((200, 200, 200), (403, 200, 200), (401, 401, 401))
    assert "Plus maintenant, le compte qui l’a créé les ayant perdus : edit" in listed
    assert "Le compte qui l’a créé est désactivé" in shown
    # The log says it too, whatever scopes a token was made with.
    assert "modifie ce qui est compté" in zoe.get("/audit").text
    assert "disabled" in program.get("prices").json()["detail"]
    with collector.store.reading() as work:
        told = [each.event for each in work.audit.list()]
    (change, end) = (e for e in told if e.kind is Kind.ACCOUNT_CHANGED and "programs" in e.detail)
    assert change.detail["programs"] == program.issued.label
    assert child.issued.label in end.detail["programs"]
    refusals = [e.actor for e in told if e.kind is Kind.REFUSED]
    assert sorted(refusals) == sorted([program.issued.actor, child.issued.actor])
    # Queued in time, and done by nobody: the job looks as well.
    assert not signing_in.may_still(
        collector.store, collector.clock, program.issued.actor, Permission.READ, apart=True
    )
    accounts.change(collector, "zoe", is_disabled=False)
    assert statuses() == (403, 200, 200)
    api_tokens.revoke(collector.store, collector.clock, parent.issued.id, actor="operator test")
    assert statuses() == (403, 200, 401)
