"""What every implementation of ports.Store promises."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Event

import pytest

from quitus_collector.domain.device import Standing, fingerprint
from quitus_collector.domain.entitlement import UNLIMITED, Channel, Metric
from quitus_collector.domain.holding import Act
from quitus_collector.domain.install import (
    DeviceFacts,
    DeviceKind,
    Inventory,
    Scope,
    SourceOutcome,
    SourceStatus,
)
from quitus_collector.domain.proof import Proof, ProofKind
from quitus_collector.domain.report import update
from quitus_collector.errors import UnknownDevice
from quitus_collector.services.ports import Store, UnitOfWork
from tests.builders import (
    NOON,
    OFFICE_2016,
    a_device,
    a_token,
    an_entitlement,
    an_install,
    an_inventory,
)
from tests.fakes.store import MemoryStore


def keep(work: UnitOfWork, device_id: str, inventory: Inventory) -> int:
    """Has a device hold what an inventory says; returns how many rows it holds then."""
    held = work.inventories.held([device_id])
    work.inventories.change({device_id: update(inventory, held[device_id], ())})
    return len(work.inventories.held([device_id])[device_id])


def test_a_device_comes_back_as_it_was_kept(store: Store) -> None:
    device = a_device(
        entity="999000110",
        last_report_at=NOON,
        facts=DeviceFacts(
            "PC-É", "Debian", "12", "amd64", 1, 8, 1 << 40, DeviceKind.VIRTUAL, "kvm"
        ),
        sources=(SourceOutcome("rpm", SourceStatus.FAILED, "unreadable"),),
        installs=3,
        digest="ab" * 32,
        receipt="cd" * 16,
        shown="ef" * 16,
        standing=Standing.QUARANTINED,
        standing_reason="its machine is also PC-2 (d-2)",
        rival="d-2",
    )

    with store.writing() as work:
        work.devices.add(device)

    with store.reading() as work:
        assert work.devices.get("d-1") == device
        assert work.devices.find("key of d-1") == device
        assert work.devices.list() == [device]


def test_adding_a_device_again_replaces_it(store: Store) -> None:
    with store.writing() as work:
        work.devices.add(a_device())
        work.devices.add(a_device(hostname="renamed"))

    with store.reading() as work:
        assert [device.hostname for device in work.devices.list()] == ["renamed"]


def test_a_device_may_be_removed_and_added_again_at_once(store: Store) -> None:
    with store.writing() as work:
        work.devices.add(a_device())
    with store.writing() as work:
        device = work.devices.get("d-1")
        work.devices.remove("d-1")
        work.devices.add(device, a_device("d-2"))

    with store.reading() as work:
        assert [each.id for each in work.devices.list()] == ["d-1", "d-2"]
        assert len(work.fleet.snapshots()) == 2


def test_several_devices_are_known_by_their_ids(store: Store) -> None:
    with store.writing() as work:
        work.devices.add(a_device("d-1"), a_device("d-2", hostname="renamed"))

    with store.reading() as work:
        found = work.devices.known({"d-2", "d-9"})
        assert {each: device.hostname for each, device in found.items()} == {"d-2": "renamed"}
        assert work.devices.known(()) == {}


def test_a_device_that_is_not_there_is_an_error_or_nothing(store: Store) -> None:
    with store.reading() as work:
        with pytest.raises(UnknownDevice, match="'d-9'"):
            work.devices.get("d-9")
        assert work.devices.find("no such key") is None


def test_devices_are_listed_by_name_then_id(store: Store) -> None:
    with store.writing() as work:
        for device_id, hostname in (("3", "b"), ("2", "a"), ("1", "b")):
            work.devices.add(a_device(device_id, hostname=hostname))

    with store.reading() as work:
        assert [device.id for device in work.devices.list()] == ["2", "1", "3"]


def test_a_block_that_raises_leaves_no_trace(store: Store) -> None:
    def half_done() -> None:
        with store.writing() as work:
            work.devices.add(a_device())
            work.entitlements.add(an_entitlement())
            raise RuntimeError

    with pytest.raises(RuntimeError):
        half_done()

    with store.reading() as work:
        assert work.devices.list() == []
        assert work.entitlements.list() == []


def test_a_token_is_found_by_its_secret_and_counts_its_uses(store: Store) -> None:
    with store.writing() as work:
        work.tokens.add(a_token(entity="999000110", label="atelier"))
    with store.writing() as work:
        token = work.tokens.find("hash of t-1")
        assert token is not None
        work.tokens.add(token.used_once_more())

    with store.reading() as work:
        assert work.tokens.find("hash of t-1") == replace(token, uses=1)
        assert work.tokens.find("another") is None


def test_the_last_use_of_a_token_is_given_once(store: Store) -> None:
    """A second device that comes while the first is being admitted waits for the answer."""
    if isinstance(store, MemoryStore):
        return  # it serves one thread, which has no other to wait for
    with store.writing() as work:
        work.tokens.add(a_token())
    second_started = Event()

    def second() -> bool:
        second_started.set()
        with store.writing() as work:
            token = work.tokens.find("hash of t-1")
            return token is not None and token.has_uses_left

    with ThreadPoolExecutor(1) as pool:
        with store.writing() as work:
            token = work.tokens.find("hash of t-1")
            assert token is not None
            answer = pool.submit(second)
            second_started.wait()
            with pytest.raises(TimeoutError):
                answer.result(timeout=0.3)
            work.tokens.add(token.used_once_more())
        assert answer.result(timeout=30) is False


def test_a_view_is_of_one_moment(store: Store) -> None:
    """What is committed while a position is being read stays out of it."""
    with store.writing() as work:
        work.devices.add(a_device())
        keep(work, "d-1", an_inventory(an_install("a")))

    with store.reading() as view:
        distinct = view.inventories.distinct()
        with store.writing() as work:
            keep(work, "d-1", an_inventory(an_install("b"), an_install("c")))
        numbers = {number for _, found in view.inventories.by_device() for number in found}
        assert numbers == set(distinct)
        assert len(view.inventories.held(["d-1"])["d-1"]) == 1


def test_a_device_goes_with_its_installs_and_leaves_those_of_others(store: Store) -> None:
    with store.writing() as work:
        for device in ("d-1", "d-2"):
            work.devices.add(a_device(device))
            keep(work, device, an_inventory(an_install("a")))
        work.devices.remove("d-1")
        work.devices.remove("d-9")

    with store.reading() as work:
        assert [device.id for device in work.devices.list()] == ["d-2"]
        assert [device for device, _ in work.inventories.by_device()] == ["d-2"]


def test_an_entitlement_goes_alone(store: Store) -> None:
    with store.writing() as work:
        work.entitlements.add(an_entitlement("A"))
        work.entitlements.add(an_entitlement("B"))
        work.entitlements.remove("A")
        work.entitlements.remove("C")

        assert [each.id for each in work.entitlements.list()] == ["B"]


def test_a_source_that_an_agent_does_not_know_any_more_takes_its_installs_along(
    store: Store,
) -> None:
    with store.writing() as work:
        work.devices.add(a_device())
        keep(work, "d-1", an_inventory(an_install("a"), an_install("b", source="old")))

        assert keep(work, "d-1", an_inventory(an_install("a"))) == 1


def test_installs_come_back_as_they_were_reported(store: Store) -> None:
    install = an_install(
        "Édition «œuvre»\ufffd",
        publisher="Société",
        architecture="amd64",
        scope=Scope.USER,
        identifiers={"purl": "pkg:deb/debian/x", "section": "misc"},
    )

    with store.writing() as work:
        work.devices.add(a_device())
        assert keep(work, "d-1", an_inventory(install)) == 1

    with store.reading() as work:
        assert work.inventories.list("d-1") == [install]
        assert work.inventories.list("d-9") == []


def test_a_report_replaces_the_installs_of_readable_sources_only(store: Store) -> None:
    with store.writing() as work:
        work.devices.add(a_device())
        first = [an_install("a"), an_install("b"), an_install("c", source="rpm")]
        keep(work, "d-1", an_inventory(*first))
        outcomes = {"dpkg": SourceStatus.READ, "rpm": SourceStatus.FAILED}
        second = an_inventory(an_install("b"), an_install("d"), sources=outcomes)

        assert keep(work, "d-1", second) == 3

    with store.reading() as work:
        assert [each.name for each in work.inventories.list("d-1")] == ["b", "d", "c"]


def test_held_rows_have_the_digests_of_their_installs(store: Store) -> None:
    dated = an_install("é", identifiers={"b": "2", "a": "1"}, installed_on="2026-01-31")

    with store.writing() as work:
        work.devices.add(a_device())
        keep(work, "d-1", an_inventory(dated, an_install("b", source="rpm")))

    with store.reading() as work:
        held = {row.source: row for row in work.inventories.held(["d-1"])["d-1"]}
        assert held.keys() == {"dpkg", "rpm"}
        assert held["dpkg"].record == dated.record()
        assert held["dpkg"].installed_on == "2026-01-31"


def test_a_row_may_get_another_date(store: Store) -> None:
    with store.writing() as work:
        work.devices.add(a_device())
        keep(work, "d-1", an_inventory(an_install("a", installed_on="2026-01-01")))
        keep(work, "d-1", an_inventory(an_install("a", installed_on="2026-02-02")))

        assert [each.installed_on for each in work.inventories.list("d-1")] == ["2026-02-02"]


def test_devices_are_found_by_what_their_fingerprints_share(store: Store) -> None:
    one = DeviceFacts(smbios_uuid="4C4C4544-0001", serial="S-1001", machine_id="m1m1")
    same_board = DeviceFacts(smbios_uuid="4c4c4544-0001", serial="OTHER")
    unset = DeviceFacts(smbios_uuid="00000000-0000-0000-0000-000000000000")
    disk = DeviceFacts(disk_id="d15c")
    with store.writing() as work:
        for number, facts in enumerate((one, same_board, disk, unset), start=1):
            work.devices.add(a_device(f"d-{number}", facts=facts))

    with store.reading() as work:
        found = work.devices.alike([fingerprint(one)])
        assert [device.id for device in found] == ["d-1", "d-2"]
        assert work.devices.alike([fingerprint(unset)]) == []
        assert [device.id for device in work.devices.alike([{"disk_id": "d15c"}])] == ["d-3"]
        assert work.devices.alike([{"serial": "4c4c4544-0001"}]) == []


def test_a_record_is_one_for_all_devices_that_have_it(store: Store) -> None:
    with store.writing() as work:
        for device in ("d-1", "d-2", "d-3"):
            work.devices.add(a_device(device))
        keep(work, "d-1", an_inventory(an_install("a"), an_install("b")))
        keep(work, "d-2", an_inventory(an_install("a"), an_install("a", version="2")))

    with store.reading() as work:
        distinct = work.inventories.distinct()
        by_device = {
            device: sorted((distinct[n].name, distinct[n].version) for n in numbers)
            for device, numbers in work.inventories.by_device()
        }
        assert by_device == {"d-1": [("a", "1.0"), ("b", "1.0")], "d-2": [("a", "1.0"), ("a", "2")]}
        assert len(distinct) == 3


def test_records_that_nobody_has_any_more_are_not_listed(store: Store) -> None:
    with store.writing() as work:
        work.devices.add(a_device())
        keep(work, "d-1", an_inventory(an_install("a")))
        keep(work, "d-1", an_inventory(sources={"dpkg": SourceStatus.READ}))

        assert work.inventories.distinct() == {}
        assert list(work.inventories.by_device()) == []
        assert work.inventories.held(["d-1"])["d-1"] == []


def test_reports_with_tens_of_thousands_of_rows_are_kept_whole(store: Store) -> None:
    installs = [an_install(f"package-{number}") for number in range(25_000)]

    with store.writing() as work:
        work.devices.add(a_device())
        assert keep(work, "d-1", an_inventory(*installs)) == 25_000
        fewer = an_inventory(*installs[::2])
        assert keep(work, "d-1", fewer) == 12_500


def test_an_entitlement_comes_back_as_it_was_kept(store: Store) -> None:
    day = NOON.date()
    line = an_entitlement(
        metric=Metric.CORE,
        downgrade=True,
        bound_to="d-1",
        entity="999000110",
        valid_from=day,
        valid_until=day,
        proof="Facture n°7",
        edition_downgrade=True,
        maintenance_until=day,
        second_use=True,
        devices_per_user=5,
        virtual_machines=UNLIMITED,
        requires_base=OFFICE_2016,
        channel=Channel.USED,
        part_number="79P-05729",
        bought_as="Office Professionnel Plus 2019",
        previous_owners=("Saturne SA", "Mercure SAS"),
        first_sale="FR",
        perpetual=True,
    )

    with store.writing() as work:
        work.entitlements.add(an_entitlement("Z"))
        work.entitlements.add(line)

    with store.reading() as work:
        assert work.entitlements.list() == [line, an_entitlement("Z")]


def test_documents_come_back_by_line_in_the_order_they_came(store: Store) -> None:
    first = Proof("B", "aa", ProofKind.INVOICE, "facture é.pdf", 1 << 33, NOON, "anne")
    second = Proof("A", "bb", ProofKind.CHAIN_OF_TITLE, "titre.pdf", 2, NOON, "anne")
    third = Proof("A", "aa", ProofKind.OTHER, "facture.pdf", 3, NOON, "bob")

    with store.writing() as work:
        for proof in (first, second, third):
            work.proofs.add(proof)

    with store.reading() as work:
        assert work.proofs.list() == [second, third, first]


def test_a_document_that_was_taken_off_a_line_stays_known(store: Store) -> None:
    proof = Proof("A", "aa", ProofKind.INVOICE, "facture.pdf", 1, NOON, "anne")
    other = Proof("B", "aa", ProofKind.INVOICE, "facture.pdf", 1, NOON, "anne")
    with store.writing() as work:
        work.proofs.add(proof)
        work.proofs.add(other)

    with store.writing() as work:
        work.proofs.remove("A", "aa", NOON, Act("bob", "doublon"))
        work.proofs.remove("C", "aa", NOON, Act("bob", "rien"))

    gone = replace(proof, removed_at=NOON, removed_by="bob", reason="doublon")
    with store.reading() as work:
        assert work.proofs.list() == [other]
        assert work.proofs.list(removed=True) == [gone, other]
