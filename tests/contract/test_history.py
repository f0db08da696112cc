"""What every implementation of ports.Store promises of the past."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Event

import pytest
from sqlalchemy import create_engine, text

from quitus_collector.adapters.sql.store import SQLStore
from quitus_collector.domain.device import Heard, Standing
from quitus_collector.domain.entitlement import Metric
from quitus_collector.domain.history import Departure
from quitus_collector.domain.holding import Act, Held
from quitus_collector.domain.install import Install
from quitus_collector.errors import UnknownDevice, UsageError
from quitus_collector.services import ledger
from quitus_collector.services.recognition import Recogniser, recount, refresh
from quitus_collector.services.reporting import list_devices
from tests.builders import (
    NOON,
    an_entitlement,
    an_install,
)
from tests.contract.office import DAY, DRAW, TOOL, WORD, Office
from tests.contract.rules import OFFICE, VISIO, a_catalogue
from tests.fakes.clock import FakeClock
from tests.fakes.store import MemoryStore


def test_a_past_day_has_the_figures_of_then(office: Office) -> None:
    office.enrol("d-1")
    office.report("d-1", WORD, DRAW, TOOL)
    office.after(2)
    office.enrol("d-2")
    office.report("d-1", WORD)
    office.report("d-2", WORD)
    office.after(2)

    assert office.installed() == {OFFICE: 2}
    assert office.installed(days_ago=1) == {OFFICE: 2}
    assert office.installed(days_ago=3) == {OFFICE: 1, VISIO: 1}


def test_unknown_names_of_a_past_day_are_those_of_then(office: Office) -> None:
    office.enrol("d-1")
    office.report("d-1", TOOL, an_install("tool", version="2", publisher="Acme"), WORD)
    office.after(2)
    office.report("d-1", WORD, an_install("other", publisher="Acme"))

    assert [(each.name, each.devices) for each in office.position().unknown] == [("other", 1)]
    assert [(each.name, each.devices) for each in office.position(1).unknown] == [("tool", 1)]


def test_what_was_owned_on_a_past_day_is_what_was_known_then(office: Office) -> None:
    with office.store.writing() as work:
        work.entitlements.add(an_entitlement("A", OFFICE, 5))
        work.entitlements.add(an_entitlement("B", OFFICE, 3))
    office.after(2)
    with office.store.writing() as work:
        work.entitlements.add(an_entitlement("A", OFFICE, 7))
        work.entitlements.remove("B")
        work.entitlements.remove("C")

    assert [line.entitled for line in office.position().lines] == [7]
    assert [line.entitled for line in office.position(1).lines] == [8]
    with office.store.reading() as work:
        assert [each.id for each in work.entitlements.list()] == ["A"]
        assert work.entitlements.list(NOON - DAY) == []


def test_a_line_keeps_what_it_said_with_who_changed_it_and_why(office: Office) -> None:
    first, then = an_entitlement("A", OFFICE, 5), an_entitlement("A", OFFICE, 7)
    anne, bob = Act("anne", "inventaire"), Act("bob", "revendue")
    other = an_entitlement("B", OFFICE, 1)
    with office.store.writing() as work:
        work.entitlements.add(first, anne)
        work.entitlements.add(other)
    one = office.clock.now()
    office.after(2)
    with office.store.writing() as work:
        work.entitlements.add(an_entitlement("A", OFFICE, 6), anne)
        work.entitlements.add(then, anne)
    two = office.clock.now()
    office.after(2)
    with office.store.writing() as work:
        work.entitlements.remove("A", bob)

    with office.store.reading() as work:
        assert work.entitlements.history("A") == [
            Held(first, one, two, anne, anne),
            Held(then, two, office.clock.now(), anne, bob),
        ]
        assert [each.entitlement.id for each in work.entitlements.history()] == ["A", "A", "B"]
        assert work.entitlements.history("C") == []


def test_facts_and_standing_of_a_past_day_are_those_of_then(office: Office) -> None:
    office.enrol("d-1", entity="999000110")
    told = {"primary_user": "p-1", "guests": ("g-1",), "system": "Windows 10 Pro"}
    office.report("d-1", WORD, processors=1, cores=4, **told)
    office.after(2)
    office.report("d-1", WORD, processors=2, cores=8, primary_user="p-2", portable=True)
    office.after(2)
    with office.store.writing() as work:
        work.devices.add(replace(work.devices.get("d-1"), standing=Standing.QUARANTINED))

    with office.store.reading() as work:
        now, before, first = (
            work.fleet.snapshots(at)[0]
            for at in (None, office.clock.now() - DAY, office.clock.now() - 3 * DAY)
        )
    assert (first.processors, first.cores, first.user, first.guests) == (1, 4, "p-1", ("g-1",))
    assert (before.processors, before.cores, before.user, before.guests) == (2, 8, "p-2", ())
    assert (before.system, first.system) == ("", "Windows 10 Pro")
    assert (before.portable, first.portable, first.entity) == (True, False, "999000110")
    assert [each.standing for each in (now, before)] == [Standing.QUARANTINED, Standing.ACTIVE]
    assert office.position().perimeter.set_apart == 1
    assert office.position(1).perimeter.set_apart == 0


def test_a_device_that_was_silent_then_is_stale_then(office: Office) -> None:
    office.enrol("d-1")
    office.enrol("d-2")
    office.enrol("d-3")
    office.report("d-1", WORD)
    office.report("d-2", WORD)
    office.after(40)
    with office.store.writing() as work:
        work.devices.hear([Heard("d-1", office.clock.now(), "aa", "bb")])
    office.report("d-2", WORD, DRAW)
    office.after(1)

    then = office.position(2).perimeter
    assert (then.enrolled, then.reporting, then.stale, then.oldest_report_at) == (3, 0, 2, NOON)
    now = office.position().perimeter
    assert (now.enrolled, now.reporting, now.stale) == (3, 2, 0)
    week = office.position(35).perimeter
    assert (week.reporting, week.stale) == (2, 0)


def test_a_changed_catalogue_counts_anew_and_leaves_the_past_as_it_was_told(office: Office) -> None:
    office.enrol("d-1")
    office.report("d-1", WORD, TOOL)
    office.after(2)
    office.catalogue = a_catalogue(tool="acme/tool", office_metric=Metric.CORE)
    assert office.installed() == {OFFICE: 1, "acme/tool": 1}
    office.after(2)

    assert office.installed(3) == {OFFICE: 1}
    then, now = office.position(3), office.position()
    assert (then.catalogue_digest, now.catalogue_digest) == ("plain", "acme/tool")
    assert [line.metric for line in then.lines] == [Metric.DEVICE]
    assert [line.metric for line in now.lines] == [Metric.CORE, Metric.DEVICE]
    assert [each.name for each in then.unknown] == ["tool"]
    assert now.unknown == ()


def test_what_arrives_while_another_catalogue_is_counted_by_waits_for_it(office: Office) -> None:
    office.enrol("d-1")
    old = office.catalogue
    refresh(office.store, a_catalogue(tool="acme/tool"))
    office.catalogue = old
    office.report("d-1", TOOL)
    office.after(1)

    refresh(office.store, a_catalogue(tool="acme/tool"))
    with office.store.reading() as work:
        assert [each.products for each in work.fleet.snapshots()] == [frozenset({"acme/tool"})]
        assert not list(work.inventories.sets(pending=True))


def test_a_recogniser_takes_up_the_catalogue_that_another_process_changed_to(
    office: Office,
) -> None:
    office.enrol("d-1")
    office.report("d-1", TOOL)
    office.catalogue = a_catalogue(tool="acme/tool")
    office.report("d-1", TOOL, DRAW)
    with office.store.reading() as work:
        assert [each.products for each in work.fleet.snapshots()] == [{VISIO}]
    refresh(office.store, office.catalogue)
    office.report("d-1", TOOL)

    with office.store.reading() as work:
        assert [each.products for each in work.fleet.snapshots()] == [{"acme/tool"}]


def test_a_report_that_arrives_while_the_fleet_is_recognised_is_not_lost_to_it(
    office: Office,
) -> None:
    """Else what it brought would be counted as it was before, and never looked at again."""
    if isinstance(office.store, MemoryStore):
        return  # it serves one thread
    office.enrol("d-1")
    office.report("d-1", TOOL)
    other = a_catalogue(tool="acme/tool")

    with ThreadPoolExecutor(1) as pool:
        with office.store.writing() as work:
            work.fleet.hold(alone=True)
            arrives = pool.submit(office.report, "d-1", DRAW)
            with pytest.raises(TimeoutError):
                arrives.result(timeout=0.3)
            Recogniser(lambda: other).refresh(work)
        office.catalogue = other
        arrives.result(timeout=30)

    refresh(office.store, other)
    with office.store.reading() as work:
        assert [each.products for each in work.fleet.snapshots()] == [{VISIO}]


def test_a_day_before_the_history_or_in_the_future_is_refused(office: Office) -> None:
    with pytest.raises(UsageError, match="it begins on 2026-11-23"):
        office.position(days_ago=1)
    with pytest.raises(UsageError, match="2026-11-24 is not over yet"):
        office.position(days_ago=-1)


def test_first_seen_last_seen_and_gone_are_told_of_every_install(office: Office) -> None:
    dated = replace(DRAW, installed_on="2026-01-31")
    office.enrol("d-1")
    office.report("d-1", WORD, dated)
    office.after(3)
    with office.store.writing() as work:
        receipt = work.devices.get("d-1").receipt
        work.devices.hear([Heard("d-1", office.clock.now(), receipt, receipt)])
    office.after(2)
    office.report("d-1", WORD, TOOL)
    office.after(1)
    office.report("d-1", WORD, TOOL, dated)

    found = ledger.history(office.store, "pc-d-1")
    days = [
        tuple(each and (each - NOON).days for each in (e.first_seen, e.last_seen, e.gone_at))
        for e in found
    ]
    assert [each.install.name for each in found] == ["Office 1", "Visio 1", "tool", "Visio 1"]
    assert days == [(0, 6, None), (0, 3, 5), (5, 6, None), (6, 6, None)]
    assert found[1].install.installed_on == "2026-01-31"
    with pytest.raises(UnknownDevice, match="'nobody'"):
        ledger.history(office.store, "nobody")


def test_a_removed_devices_history_stays(office: Office) -> None:
    office.enrol("d-1")
    office.report("d-1", WORD)
    office.after(2)
    with office.store.writing() as work:
        work.devices.remove("d-1")
    office.enrol("d-2")

    (episode,) = ledger.history(office.store, "d-1")
    assert (episode.last_seen, episode.gone_at) == (NOON, NOON + 2 * DAY)
    assert office.installed() == {}
    assert office.installed(1) == {OFFICE: 1}


def test_removals_after_a_day_stay_visible_with_their_reason(office: Office) -> None:
    for device in ("d-1", "d-2", "d-3", "d-4"):
        office.enrol(device)
        office.report(device, WORD, DRAW)
    office.after(1)
    office.report("d-4", WORD)
    office.after(1)
    letter = office.clock.now()
    office.report("d-1", WORD)
    office.after(1)
    with office.store.writing() as work:
        work.devices.remove("d-2")
        work.devices.add(replace(work.devices.get("d-3"), standing=Standing.REPLACED))
    office.after(1)
    office.report("d-1", WORD, DRAW)
    office.catalogue = a_catalogue(office="acme/bureau")
    office.position()

    found, _ = ledger.removed(office.store, letter)
    told = [(each.device, each.product, each.departure, each.is_back) for each in found]
    assert sorted(told) == [
        ("pc-d-1", OFFICE, Departure.RECOGNISED_OTHERWISE, False),
        ("pc-d-1", VISIO, Departure.UNINSTALLED, True),
        ("pc-d-2", OFFICE, Departure.DEVICE_REMOVED, False),
        ("pc-d-2", VISIO, Departure.DEVICE_REMOVED, False),
        ("pc-d-3", OFFICE, Departure.DEVICE_SET_APART, False),
        ("pc-d-3", VISIO, Departure.DEVICE_SET_APART, False),
        ("pc-d-4", OFFICE, Departure.RECOGNISED_OTHERWISE, False),
    ]
    only, _ = ledger.removed(office.store, letter, "acme/visio")
    assert {each.product for each in only} == {VISIO}


def test_a_purge_forgets_what_ended_long_ago(office: Office) -> None:
    office.enrol("d-1")
    office.report("d-1", WORD, TOOL)
    office.after(10)
    office.report("d-1", WORD)
    office.after(10)

    began = ledger.purge(office.store, office.clock, 5 * DAY, actor="operator x")

    assert began == office.clock.now() - 5 * DAY
    (episode,) = ledger.history(office.store, "d-1")
    assert (episode.install.name, episode.first_seen) == ("Office 1", None)
    assert office.installed(4) == {OFFICE: 1}
    with pytest.raises(UsageError, match="it begins on 2026-12-08"):
        office.position(6)
    _, begins = ledger.removed(office.store, NOON)
    assert begins == began
    office.report("d-1", WORD, TOOL)
    assert [each.install.name for each in ledger.history(office.store, "d-1")] == [
        "Office 1",
        "tool",
    ]


def test_a_forgotten_device_leaves_figures_and_nothing_of_a_person(office: Office) -> None:
    office.enrol("d-1")
    office.report("d-1", WORD, primary_user="p-1", smbios_uuid="u-1")
    office.enrol("d-2")
    office.report("d-2", WORD, primary_user="p-2")
    office.after(2)

    number = ledger.forget(office.store, office.clock, "pc-d-1", actor="operator x")

    assert [each.id for each in list_devices(office.store)] == ["d-2"]
    assert office.installed() == {OFFICE: 1}
    assert office.installed(1) == {OFFICE: 2}
    assert list(recount(office.store, office.catalogue)) == []
    with office.store.reading() as work:
        told = repr(work.fleet.snapshots(NOON)) + repr(work.fleet.periods(NOON))
        (*_, last) = work.audit.list()
        assert work.inventories.episodes(number) == []
    assert not any(each in told for each in ("pc-d-1", "p-1", "u-1", "'d-1'"))
    assert "d-1" not in repr(last)
    with pytest.raises(UnknownDevice):
        ledger.history(office.store, "pc-d-1")


def test_forgotten_devices_are_still_several(office: Office) -> None:
    for device, installs in (("d-1", (WORD,)), ("d-2", (DRAW,)), ("d-3", ())):
        office.enrol(device)
        office.report(device, *installs)
    office.after(2)
    for name in ("pc-d-1", "pc-d-2", "pc-d-3"):
        ledger.forget(office.store, office.clock, name, actor="operator x")

    assert office.installed(1) == {OFFICE: 1, VISIO: 1}


def test_counts_are_those_of_a_full_recount(office: Office) -> None:
    for device, installs in (("d-1", (WORD, DRAW)), ("d-2", (WORD, TOOL)), ("d-3", ())):
        office.enrol(device)
        office.report(device, *installs)
    office.report("d-2", DRAW)

    assert list(recount(office.store, office.catalogue)) == []


def test_a_device_that_reports_while_others_recognise_it_counts_as_it_reported_last(
    database_url: str, clock: FakeClock
) -> None:
    store = SQLStore(database_url, create=True, now=clock.now)
    store.upgrade()
    office, looking, reported = Office(store, clock), Event(), Event()

    class Slow(Recogniser):
        def learn(self, records: Iterable[tuple[int, Install]]) -> None:
            super().learn(records)
            looking.set()
            reported.wait(0.5)

    def recognise_what_waits() -> None:
        with store.writing() as work:
            work.fleet.hold(alone=False)
            Slow(lambda: office.catalogue).take_in(work)

    def report() -> None:
        office.report("d-1", DRAW)
        reported.set()

    office.enrol("d-1")
    recogniser, office.recogniser = office.recogniser, None
    office.report("d-1", WORD)
    office.recogniser = recogniser
    with ThreadPoolExecutor(2) as threads:
        recognising = threads.submit(recognise_what_waits)
        assert looking.wait(10)
        threads.submit(report).result()
        recognising.result()

    assert office.installed() == {VISIO: 1}
    assert list(recount(store, office.catalogue)) == []
    store.close()


def test_a_kept_count_that_is_wrong_is_found(database_url: str, clock: FakeClock) -> None:
    store = SQLStore(database_url, create=True, now=clock.now)
    store.upgrade()
    office = Office(store, clock)
    for device, install in (("d-1", WORD), ("d-2", DRAW)):
        office.enrol(device)
        office.report(device, install)
    engine = create_engine(database_url)
    with engine.begin() as connection:
        query = "SELECT products FROM snapshot WHERE id = 'd-1'"
        products = connection.execute(text(query)).scalar_one()
        statement = text("UPDATE snapshot SET products = :products WHERE id = 'd-2'")
        connection.execute(statement, {"products": products})
    engine.dispose()

    assert list(recount(store, office.catalogue)) == [(OFFICE, 2, 1), (VISIO, 0, 1)]
    store.close()
