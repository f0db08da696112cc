"""The use cases, on fakes."""

import hashlib
from datetime import timedelta

import pytest

from quitus_agent import join_token
from quitus_collector.adapters.solver.highs import HighsSolver
from quitus_collector.domain.company import Company
from quitus_collector.domain.entitlement import Entitlement
from quitus_collector.domain.holding import Act
from quitus_collector.domain.install import Inventory, SourceStatus
from quitus_collector.domain.position import LineState, Position
from quitus_collector.errors import EnrolmentRefused, UnknownDevice, UsageError
from quitus_collector.services import access, declaring, enrolment, licensing, pools, reporting
from quitus_collector.services.enrolment import Applicant
from quitus_collector.services.pools import Preview
from tests.builders import (
    OFFICE_2019,
    a_certificate,
    a_device,
    a_reading,
    a_report,
    an_entitlement,
    an_install,
    an_inventory,
    shipped_catalogue,
)
from tests.fakes.authority import FakeAuthority
from tests.fakes.clock import FakeClock
from tests.fakes.store import MemoryStore

CATALOGUE = shipped_catalogue()
SOLVER = HighsSolver()
DAY = timedelta(days=1)


class World:
    """A collector on fakes."""

    def __init__(self) -> None:
        self.store, self.authority, self.clock = MemoryStore(), FakeAuthority(), FakeClock()

    def token(self, uses: int = 1, valid_for: timedelta = DAY, entity: str | None = None) -> str:
        return enrolment.create_token(
            self.store,
            self.authority,
            self.clock,
            actor="operator anne",
            uses=uses,
            valid_for=valid_for,
            entity=entity,
        )

    def enrol(self, token: str, key: bytes = b"key", hostname: str = "pc-1") -> str:
        secret = join_token.parse(token).secret
        return enrolment.enrol(
            self.store,
            self.authority,
            self.clock,
            token_secret=secret,
            applicant=Applicant(key, hostname, "192.0.2.7"),
        ).device_id

    def report(self, device: str, inventory: Inventory) -> int:
        """Reports an inventory whole, as a device that shows its last receipt."""
        with self.store.reading() as work:
            known = work.devices.get(device)
            receipt = bytes.fromhex(known.receipt)
        said = a_report(inventory, receipt=receipt)
        return reporting.accept_report(self.store, self.clock, a_certificate(known), said).installs

    def with_devices(self, *devices: str) -> "World":
        with self.store.writing() as work:
            for device in devices:
                work.devices.add(a_device(device))
        return self

    def import_pools(self, *entitlements: Entitlement) -> Preview:
        act = Act("operator anne", "test")
        reading = a_reading(*entitlements)
        return pools.take_in(self.store, CATALOGUE, self.clock, reading, act)

    def position(self) -> Position:
        return licensing.position(self.store, CATALOGUE, SOLVER, self.clock)


@pytest.fixture
def world() -> World:
    return World()


# --- Enrolment ---


def test_a_token_admits_a_device_into_its_entity(world: World) -> None:
    device = world.enrol(world.token(entity="999000110"))

    with world.store.reading() as work:
        kept = work.devices.get(device)
    assert (kept.hostname, kept.entity, kept.enrolled_at) == (
        "pc-1",
        "999000110",
        world.clock.now(),
    )


def test_a_one_time_token_admits_one_device(world: World) -> None:
    token = world.token()
    world.enrol(token, b"one key")

    with pytest.raises(EnrolmentRefused, match="unknown, used up or expired"):
        world.enrol(token, b"another key")


def test_asking_again_with_the_same_key_brings_the_same_device(world: World) -> None:
    token = world.token()

    assert world.enrol(token) == world.enrol(token)


def test_a_token_ends_also_for_a_device_that_it_admitted(world: World) -> None:
    token = world.token(valid_for=DAY)
    world.enrol(token)
    world.clock.advance(DAY)

    with pytest.raises(EnrolmentRefused):
        world.enrol(token)


def test_a_key_enrols_once_whatever_the_token(world: World) -> None:
    world.enrol(world.token())

    with pytest.raises(EnrolmentRefused):
        world.enrol(world.token())


def test_an_unknown_secret_is_refused_in_the_same_words(world: World) -> None:
    with pytest.raises(EnrolmentRefused, match="unknown, used up or expired"):
        world.enrol(world.token()[:-1] + "?")


def test_the_secret_itself_is_not_kept(world: World) -> None:
    secret = join_token.parse(world.token()).secret

    with world.store.reading() as work:
        (kept,) = work.tokens.list()
    assert secret not in repr(kept)
    assert kept.secret_sha256 == hashlib.sha256(secret.encode()).hexdigest()


# --- Reporting ---


def test_a_report_replaces_what_was_installed_before(world: World) -> None:
    world.with_devices("pc-1")
    world.report("pc-1", an_inventory(an_install("bash"), an_install("vim")))

    assert world.report("pc-1", an_inventory(an_install("bash"))) == 1


def test_a_source_that_fails_keeps_its_last_good_answer(world: World) -> None:
    world.with_devices("pc-1")
    world.report("pc-1", an_inventory(an_install("bash"), an_install("Visio", source="rpm")))

    failed = {"dpkg": SourceStatus.READ, "rpm": SourceStatus.FAILED}
    held = world.report("pc-1", an_inventory(an_install("vim"), sources=failed))

    _, installs = reporting.show_device(world.store, "pc-1")
    assert held == 2
    assert [each.name for each in installs] == ["vim", "Visio"]


def test_a_source_that_is_gone_takes_its_installs_with_it(world: World) -> None:
    world.with_devices("pc-1")
    world.report("pc-1", an_inventory(an_install("bash")))

    assert world.report("pc-1", an_inventory(sources={"dpkg": SourceStatus.ABSENT})) == 0


def test_a_device_that_is_not_enrolled_reports_nothing(world: World) -> None:
    with pytest.raises(UnknownDevice):
        world.report("nobody", an_inventory())


def test_a_device_is_shown_by_name_unless_two_have_it(world: World) -> None:
    with world.store.writing() as work:
        work.devices.add(a_device("d-1", hostname="PC"))
        work.devices.add(a_device("d-2", hostname="PC"))

    assert reporting.show_device(world.store, "d-2")[0].id == "d-2"
    with pytest.raises(UsageError, match="2 devices are named 'PC': give one of the ids d-1, d-2"):
        reporting.show_device(world.store, "PC")
    with pytest.raises(UnknownDevice, match="'PC-9'"):
        reporting.show_device(world.store, "PC-9")


# --- Licensing ---


OFFICE_2019_ROW = an_install("Microsoft Office Professional Plus 2019", publisher="Microsoft")


def test_an_oem_licence_is_bound_by_the_name_people_know(world: World) -> None:
    world.with_devices("pc-1", "pc-2")
    for device in ("pc-1", "pc-2"):
        world.report(device, an_inventory(OFFICE_2019_ROW))
    world.import_pools(an_entitlement(bound_to="pc-2", quantity=1))

    (line,) = world.position().lines

    assert (line.installed, line.missing) == (2, 1)
    assert [each.entitlement for each in line.covered] == ["E-1"]


def test_an_oem_licence_follows_a_machine_that_was_enrolled_again(world: World) -> None:
    """And the machine counts twice, visibly, until its former self is removed."""
    with world.store.writing() as work:
        work.devices.add(a_device("old", hostname="PC-1"))
    world.report("old", an_inventory(OFFICE_2019_ROW))
    world.import_pools(an_entitlement(bound_to="PC-1"))
    world.clock.advance(DAY)
    with world.store.writing() as work:
        work.devices.add(a_device("new", hostname="PC-1"))
    world.report("new", an_inventory(OFFICE_2019_ROW))

    twice = world.position()
    access.remove(world.store, world.clock, "old", actor="operator anne")
    once = world.position()

    assert twice.perimeter.namesakes == ("PC-1",)
    assert (twice.lines[0].installed, twice.lines[0].missing) == (2, 1)
    assert (once.lines[0].installed, once.lines[0].missing) == (1, 0)


def test_a_licence_bound_to_a_machine_that_is_not_there_covers_nothing(world: World) -> None:
    world.with_devices("pc-1")
    world.report("pc-1", an_inventory(OFFICE_2019_ROW))
    world.import_pools(an_entitlement(bound_to="PC-9"))

    (line,) = world.position().lines

    assert (line.missing, line.available) == (1, 1)


def test_a_product_counts_once_on_a_device_however_many_rows_show_it(world: World) -> None:
    world.with_devices("pc-1", "pc-2")
    rows = [
        an_install(f"Microsoft Office Professional Plus 2019 - {language}", publisher="Microsoft")
        for language in ("fr-fr", "en-us", "de-de")
    ]
    for device in ("pc-1", "pc-2"):
        world.report(device, an_inventory(*rows, an_install("Pointage", publisher="maison")))

    position = world.position()

    (line,) = position.lines
    assert (line.product, line.installed, line.missing) == (OFFICE_2019, 2, 2)
    assert [(each.name, each.devices) for each in position.unknown] == [("Pointage", 2)]
    assert position.perimeter.reporting == 2


def test_a_suites_applications_are_not_products_beside_it(world: World) -> None:
    world.with_devices("pc-1", "pc-2")
    suite = an_install("Microsoft Office Standard 2016", publisher="Microsoft Corporation")
    word = an_install("Microsoft Word 2016", publisher="Microsoft Corporation")
    access = an_install("Microsoft Access 2016", publisher="Microsoft Corporation")
    world.report("pc-1", an_inventory(suite, word, access))
    world.report("pc-2", an_inventory(word))

    lines = {line.product: line.installed for line in world.position().lines}

    # Access is in no Standard edition; Word alone is a product.
    assert lines == {
        "microsoft/office/standard@2016": 1,
        "microsoft/office/access@2016": 1,
        "microsoft/office/word@2016": 1,
    }


def test_the_perimeter_tells_who_did_not_answer(world: World) -> None:
    world.with_devices("pc-1", "pc-2", "pc-3")
    world.report("pc-1", an_inventory())
    world.report("pc-2", an_inventory(sources={"rpm": SourceStatus.FAILED}))

    perimeter = world.position().perimeter

    assert (perimeter.enrolled, perimeter.reporting, perimeter.with_failed_sources) == (3, 2, 1)


def test_a_device_that_fell_silent_is_counted_and_said_to_be_silent(world: World) -> None:
    world.with_devices("pc-1", "pc-2")
    world.report("pc-1", an_inventory(OFFICE_2019_ROW))
    first = world.clock.now()
    world.clock.advance(DAY * 31)
    world.report("pc-2", an_inventory())

    position = world.position()

    assert (position.perimeter.reporting, position.perimeter.stale) == (1, 1)
    assert position.perimeter.oldest_report_at == first
    assert position.lines[0].installed == 1


# --- Declaring ---


def test_a_declaration_tells_its_addressee_nothing_of_other_publishers(world: World) -> None:
    world.with_devices("pc-1")
    office = an_install("Microsoft Office Standard 2016", publisher="Microsoft")
    winrar = an_install("WinRAR 6.24 (64-bit)", publisher="win.rar GmbH")
    world.report("pc-1", an_inventory(office, winrar))

    declaration, _ = declaring.draft(
        world.store,
        CATALOGUE,
        SOLVER,
        world.clock,
        company=Company(name="Mercure"),
        publisher="microsoft",
        software_version="1.0",
        seed=bytes(32),
    )

    document = declaration.document()
    assert [line.product for line in declaration.lines] == ["microsoft/office/standard@2016"]
    assert "winrar" not in repr(document).lower()
    assert document["totals"] == {"compliant": 0, "gap": 1, "undetermined": 0, "missing": 1}
    assert declaration.lines[0].state is LineState.GAP


def test_a_declaration_to_nobody_known_is_refused(world: World) -> None:
    with pytest.raises(UsageError, match="'microsfot'; did you mean microsoft"):
        declaring.check_publisher(CATALOGUE, "microsfot")
