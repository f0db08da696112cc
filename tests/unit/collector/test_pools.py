"""Entitlements come in whole or not at all, and what changes stays to be seen."""

import csv
import io
import random
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quitus_collector.adapters.pools import delimited, statement
from quitus_collector.adapters.sheets import csv_text
from quitus_collector.domain.audit import Kind
from quitus_collector.domain.entitlement import Channel, Entitlement, Metric
from quitus_collector.domain.holding import Act, Happening
from quitus_collector.domain.proof import TitleFlaw
from quitus_collector.errors import UsageError
from quitus_collector.services import pools
from quitus_collector.services.intake.headings import FIELDS
from quitus_collector.services.pools import Preview, Refused
from tests.builders import OFFICE_2016, OFFICE_2019, a_reading, an_entitlement, shipped_catalogue
from tests.fakes.clock import FakeClock
from tests.fakes.store import MemoryStore
from tests.makers import licence_lists as lists

CATALOGUE = shipped_catalogue()
ANNE = Act("operator anne", "inventaire de mars")
HEADER = "id;produit;quantité"


class World:
    def __init__(self) -> None:
        self.clock = FakeClock()
        self.store = MemoryStore(self.clock.now)

    def take_in(self, text: str, **given: object) -> Preview:
        return self.take(delimited.parse(text), **given)

    def take(self, reading, **given) -> Preview:  # type: ignore[no-untyped-def]
        return pools.take_in(self.store, CATALOGUE, self.clock, reading, ANNE, **given)

    def refused(self, text: str, **given: object) -> list[str]:
        with pytest.raises(Refused) as raised:
            self.take_in(text, **given)
        problems = map(pools.as_problem, raised.value.preview.complaints)
        return [f"{each.where}, {each.column}: {each.what}" for each in problems]

    def edit(self, entitlement_id: str = "A", **values: str) -> pools.Change:
        act = Act("operator bob", "avenant 2")
        return pools.edit(self.store, CATALOGUE, self.clock, entitlement_id, values, act)

    @property
    def lines(self) -> dict[str, Entitlement]:
        with self.store.reading() as work:
            return {each.id: each for each in work.entitlements.list()}


@pytest.fixture
def world() -> World:
    return World()


def test_importing_again_changes_only_what_is_different(world: World) -> None:
    first = an_entitlement("A", quantity=1), an_entitlement("B", OFFICE_2016)
    again = an_entitlement("A", quantity=2), an_entitlement("B", OFFICE_2016), an_entitlement("C")

    one = world.take(a_reading(*first))
    two = world.take(a_reading(*again))

    assert (one.added, one.changed, one.unchanged) == (2, 0, 0)
    assert (two.added, two.changed, two.unchanged) == (1, 1, 1)
    assert [(each.name, each.before, each.after) for each in two.changes[0].differences] == [
        ("quantity", 1, 2)
    ]


def test_every_field_comes_in_as_it_is_stated(world: World) -> None:
    day = date(2026, 12, 31)
    line = an_entitlement(
        metric=Metric.CORE,
        product="microsoft/sql-server/standard@2019",
        downgrade=True,
        bound_to="pc-1",
        entity="999000110",
        valid_from=day,
        valid_until=day,
        proof="Facture n°7",
        edition_downgrade=True,
        maintenance_until=day,
        virtual_machines=2**31 - 1,
        requires_base=OFFICE_2016,
        channel=Channel.USED,
        part_number="79P-05729",
        previous_owners=("Saturne SA", "Mercure SAS"),
        first_sale="FR",
        perpetual=False,
    )

    world.take(a_reading(line))

    assert world.lines == {"E-1": line}


def test_names_are_matched_and_packs_are_counted(world: World) -> None:
    found = world.take_in(
        "produit;quantité;facture\nWindows Server 2022 Datacenter - 16 Core;3;F-1\n"
    )

    (line,) = world.lines.values()
    assert line.id == "F-1/microsoft/windows-server/datacenter@2022"
    assert (line.quantity, line.metric) == (48, Metric.CORE)
    assert line.bought_as == "Windows Server 2022 Datacenter - 16 Core"
    assert str(found.changes[0].notes[0]) == "3 licences of 16 cores each, as the name says: 48"


def test_a_pack_that_has_a_column_is_counted_once(world: World) -> None:
    world.take_in(
        "id;produit;quantité;unités par pack\nA;Windows Server 2022 Datacenter - 16 Core;3;16\n"
    )

    assert world.lines["A"].quantity == 48


def test_what_a_document_has_no_column_for_stays(world: World) -> None:
    world.take_in(f"{HEADER};preuve;downgrade\nA;Visio Professional 2019;3;F-1;oui\n")
    world.take_in(f"{HEADER};preuve\nA;Visio Professional 2019;4;\n")

    line = world.lines["A"]
    assert (line.quantity, line.downgrade, line.proof) == (4, True, "")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (f"{HEADER}\nA;x/y;1", "line 2, produit (B): the catalogue has no product 'x/y'"),
        (
            f"{HEADER}\nA;microsoft/office/standard;1",
            "line 2, produit (B): microsoft/office/standard is licensed by version",
        ),
        (f"{HEADER}\nA;docker/desktop@4;1", "line 2, produit (B): docker/desktop has no versions"),
        (f"{HEADER}\nA;mozilla/firefox;1", "line 2, produit (B): mozilla/firefox is free"),
        (f"{HEADER}\nA;Visio Professional 2019;-1", "line 2, quantité (C): '-1' is not a whole"),
        (f"{HEADER}\nA;Visio Professional 2019;", "line 2, quantité (C): is empty"),
        (f"{HEADER}\nA;;1", "line 2, produit (B): is empty"),
        (f"{HEADER}\n;Visio Professional 2019;1", "line 2, id (A): is empty, and there is no"),
        (
            f"{HEADER};métrique\nA;Visio Professional 2019;5 postes;utilisateur",
            "line 2, quantité (C): counts by device, the metric is user",
        ),
        (
            f"{HEADER};second usage;métrique\nA;Visio Professional 2019;1;oui;utilisateur",
            "line 2, second usage (D): does not go with the metric user",
        ),
        (
            f"{HEADER};début;fin\nA;Visio Professional 2019;1;01/02/2026;01/01/2026",
            "line 2, fin (E): is before the first day, 2026-02-01",
        ),
        (
            f"{HEADER};perpétuelle;fin\nA;Visio Professional 2019;1;oui;01/01/2026",
            "line 2, perpétuelle (D): has a last day",
        ),
        (f"{HEADER};entité\nA;Visio Professional 2019;1;Mercure", "line 2, entité (D): 'Mercure'"),
        (
            f"{HEADER};produit de base\nA;Visio Professional 2019;1;Rien",
            "line 2, produit de base (D): 'Rien' is no product",
        ),
        (f"{HEADER}\nA;Chose;1", "line 2, produit (B): 'Chose' is no product that the catalogue"),
    ],
)
def test_a_wrong_line_says_where_and_why(world: World, text: str, complaint: str) -> None:
    (said,) = world.refused(text)

    assert said.startswith(complaint)
    assert world.lines == {}


def test_every_wrong_line_is_told_and_none_is_taken(world: World) -> None:
    said = world.refused(
        f"{HEADER};fin\nA;Visio Professional 2019;1;demain\nB;Chose;x;\n"
        "C;Visio Professional 2019;2;\nC;Visio Professional 2019;3;\n"
    )

    assert [each.partition(",")[0] for each in said] == ["line 2", "line 3", "line 3", "line 5"]
    assert "'C' is the id of line 4 too" in said[3]
    assert world.lines == {}
    with world.store.reading() as work:
        assert list(work.audit.list()) == []


def test_what_is_not_certain_is_left_out_only_when_asked(world: World) -> None:
    text = f"{HEADER}\nA;Visio Professional 2019;1\nB;Visio;2\n"

    world.refused(text)
    found = world.take_in(text, without_unmatched=True)

    assert sorted(world.lines) == ["A"]
    assert [each.name for each in found.unmatched] == ["Visio"]
    assert "microsoft/visio/professional@2024" in found.unmatched[0].suggestions


def test_what_a_statement_leaves_open_keeps_nothing_else_out(world: World) -> None:
    rows = [
        ("Servers", "SQL Server Standard", "2019", 4, 0, 0, 0),
        ("Servers", "Chose", "2019", 4, 0, 0, 0),
        ("Applications", "Visio Professional", "2016", 15, 0, 0, 0),
    ]
    reading = statement.read(lists.statement("en", rows))

    found = world.take(reading, without_unmatched=True)

    assert [line.product for line in world.lines.values()] == ["microsoft/visio/professional@2016"]
    assert [each.name for each in found.unmatched] == ["SQL Server Standard 2019", "Chose 2019"]


def test_a_decision_is_remembered_for_the_next_list(world: World) -> None:
    text = "id;produit;quantité;sku\n{};Suite maison;{};X-1\n"
    world.take_in(text.format("A", 1), decisions={"Suite maison": OFFICE_2019})

    world.take_in(text.format("B", 2))
    world.take_in("id;sku;quantité\nC;x-1;3\n")

    assert {each.product for each in world.lines.values()} == {OFFICE_2019}


def test_looking_changes_nothing(world: World) -> None:
    reading = delimited.parse(f"{HEADER}\nA;Visio Professional 2019;1\n")

    found = pools.preview(world.store, CATALOGUE, reading)

    assert found.added == 1
    assert world.lines == {}


def test_a_metric_that_is_not_stated_is_the_catalogues(world: World) -> None:
    world.take_in(
        f"{HEADER}\nA;SQL Server Standard Core 2019;8\nB;Windows Server User CAL 2022;5\n"
    )

    assert [each.metric for each in world.lines.values()] == [Metric.CORE, Metric.USER_CAL]


def test_a_metric_that_the_name_leaves_open_is_asked_for(world: World) -> None:
    """Such a licence may be one of a server, or of two processors."""
    (said,) = world.refused(f"{HEADER}\nA;SQL Server Standard 2019;4\n")

    assert said.startswith("line 2, metric: is empty, and microsoft/sql-server/standard was not")
    world.take_in(f"{HEADER};unité\nA;SQL Server Standard 2019;4;cœur\n")
    world.take_in(f"{HEADER}\nA;SQL Server Standard 2019;8\n")
    assert (world.lines["A"].quantity, world.lines["A"].metric) == (8, Metric.CORE)


@pytest.mark.parametrize(
    ("kind", "channel", "metric", "perpetual"),
    [
        ("Licence perpétuelle", Channel.UNSTATED, Metric.DEVICE, True),
        ("Utilisateur nommé", Channel.UNSTATED, Metric.USER, None),
        ("OEM", Channel.OEM, Metric.DEVICE, None),
    ],
)
def test_a_column_of_kinds_may_say_how_long_or_by_what(
    world: World, kind: str, channel: Channel, metric: Metric, perpetual: bool | None
) -> None:
    world.take_in(f"{HEADER};type de licence\nA;Visio Professional 2019;4;{kind}\n")

    line = world.lines["A"]
    assert (line.channel, line.metric, line.perpetual) == (channel, metric, perpetual)


# --- Used licences ---


def test_former_owners_make_a_used_licence(world: World) -> None:
    world.take_in(f"{HEADER};anciens propriétaires\nA;Visio Professional 2019;1;Saturne SA\n")

    assert world.lines["A"].channel is Channel.USED


def test_a_used_licence_says_what_its_title_lacks(world: World) -> None:
    text = (
        f"{HEADER};type;vendeur;première vente;perpétuelle;fin\n"
        "A;Visio Professional 2019;1;occasion;;;;\n"
        "B;Visio Professional 2019;1;occasion;Saturne SA;US;non;\n"
        "C;Visio Professional 2019;1;occasion;Saturne SA;France;oui;\n"
        "D;Visio Professional 2019;1;volume;;;;\n"
    )

    found = world.take_in(text)

    assert [each.flaws for each in found.changes] == [
        (
            TitleFlaw.NO_OWNER,
            TitleFlaw.NO_FIRST_SALE,
            TitleFlaw.NOT_STATED_PERPETUAL,
            TitleFlaw.NO_CHAIN,
        ),
        (TitleFlaw.OUTSIDE_EEA, TitleFlaw.NOT_PERPETUAL, TitleFlaw.NO_CHAIN),
        (TitleFlaw.NO_CHAIN,),
        (),
    ]


# --- Changes by hand, and history ---


def test_an_edit_changes_what_it_names_and_keeps_what_was(world: World) -> None:
    world.take_in(f"{HEADER};facture\nA;Visio Professionnel 2019;10;F-1\n")
    world.clock.advance(timedelta(days=1))

    change = world.edit(**{"Quantité": "12", "fin": "31/12/2026"})

    assert [each.name for each in change.differences] == ["quantity", "valid_until"]
    added, changed = pools.history(world.store, "A")
    assert (added.kind, added.act) == (Happening.ADDED, ANNE)
    assert (changed.kind, changed.act) == (
        Happening.CHANGED,
        Act("operator bob", "avenant 2"),
    )
    assert changed.entitlement.bought_as == "Visio Professionnel 2019"
    assert [(each.before, each.after) for each in changed.differences] == [
        (10, 12),
        (None, date(2026, 12, 31)),
    ]


def test_an_empty_value_takes_it_away(world: World) -> None:
    world.take_in(f"{HEADER};fin\nA;Visio Professional 2019;10;31/12/2026\n")

    world.edit(fin="")

    assert world.lines["A"].valid_until is None


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"couleur": "bleu"}, "'couleur' is no field of an entitlement"),
        ({"id": "B"}, "'id' is no field"),
        ({"quantity": "peu"}, "'peu' is not a whole number"),
        ({"product": "Chose"}, "'Chose' is no product"),
    ],
)
def test_a_wrong_edit_changes_nothing(world: World, values: dict[str, str], complaint: str) -> None:
    world.take_in(f"{HEADER}\nA;Visio Professional 2019;10\n")
    before = world.lines

    with pytest.raises(UsageError, match=complaint):
        world.edit(**values)

    assert world.lines == before


def test_a_line_that_was_taken_out_stays_in_the_history(world: World) -> None:
    world.take_in(f"{HEADER}\nA;Visio Professional 2019;10\n")
    world.clock.advance(timedelta(days=1))
    pools.remove_entitlement(world.store, world.clock, "A", Act("operator bob", "revendue"))
    world.clock.advance(timedelta(days=1))
    world.take_in(f"{HEADER}\nA;Visio Professional 2019;3\n")

    found = pools.history(world.store)

    assert [(each.kind, each.act.reason) for each in found] == [
        (Happening.ADDED, "inventaire de mars"),
        (Happening.REMOVED, "revendue"),
        (Happening.ADDED, "inventaire de mars"),
    ]
    assert found[1].entitlement.quantity == 10


def test_what_is_not_there_is_refused(world: World) -> None:
    with pytest.raises(UsageError, match="no entitlement has the id 'A'"):
        pools.remove_entitlement(world.store, world.clock, "A", ANNE)
    with pytest.raises(UsageError, match="no entitlement has the id 'A'"):
        world.edit(quantity="1")
    with pytest.raises(UsageError, match="no entitlement has or had the id 'A'"):
        pools.history(world.store, "A")


def test_the_audit_log_has_every_change(world: World) -> None:
    text = f"{HEADER}\nA;Visio Professional 2019;10\n"
    world.take_in(text, source="parc.csv")
    world.take_in(text, source="parc.csv")
    world.edit(quantity="12")
    pools.remove_entitlement(world.store, world.clock, "A", ANNE)

    with world.store.reading() as work:
        events = [entry.event for entry in work.audit.list()]
    assert {each.kind for each in events} == {Kind.POOLS_CHANGED}
    assert [(each.actor, each.subject) for each in events] == [
        ("operator anne", "parc.csv"),
        ("operator bob", "A"),
        ("operator anne", "A"),
    ]


# --- Any list ---

WORDS = {
    "fr": {
        True: "oui",
        False: "non",
        Metric.DEVICE: "par poste",
        Metric.USER: "utilisateur nommé",
        Channel.VOLUME: "licence en volume",
        Channel.FULL_PACKAGE: "boîte",
        Channel.OEM: "préinstallée",
        Channel.SUBSCRIPTION: "abonnement",
        Channel.USED: "occasion",
        Channel.UNSTATED: "",
    },
    "en": {
        True: "yes",
        False: "no",
        Metric.DEVICE: "per device",
        Metric.USER: "named user",
        Channel.VOLUME: "volume licensing",
        Channel.FULL_PACKAGE: "FPP",
        Channel.OEM: "OEM",
        Channel.SUBSCRIPTION: "subscription",
        Channel.USED: "second-hand",
        Channel.UNSTATED: "unknown",
    },
}
TOLD = frozenset(
    {"id", "product", "quantity", "metric", "downgrade", "entity", "valid_from", "valid_until"}
    | {"proof", "second_use", "channel", "part_number"}
)
DAYS = st.dates(date(1995, 1, 1), date(2100, 1, 1)) | st.none()
NAMES = (
    st.text("abcdéèç XYZ019-_/'", min_size=1, max_size=20)
    .map(lambda text: " ".join(text.split()))
    .filter(bool)
)


@st.composite
def entitlements(draw: st.DrawFn) -> Entitlement:
    metric = draw(st.sampled_from([Metric.DEVICE, Metric.USER]))
    start, end = sorted([draw(DAYS) or date.min, draw(DAYS) or date.max])
    return Entitlement(
        id=draw(NAMES.filter(lambda name: not name.casefold().startswith(("tot", "sou", "sum")))),
        product=draw(st.sampled_from([OFFICE_2016, OFFICE_2019, "adobe/acrobat/pro@2020"])),
        quantity=draw(st.integers(0, 10**6)),
        metric=metric,
        downgrade=draw(st.booleans()),
        entity=draw(st.sampled_from([None, "999000110"])),
        valid_from=None if start == date.min else start,
        valid_until=None if end == date.max else end,
        proof=draw(NAMES),
        second_use=draw(st.booleans()) and metric is Metric.DEVICE,
        channel=draw(st.sampled_from(list(Channel))),
        part_number=draw(NAMES),
    )


def written(value: object, language: str) -> str:
    if value is None:
        return ""
    if isinstance(value, date):
        return f"{value:%d/%m/%Y}" if language == "fr" else value.isoformat()
    if isinstance(value, bool | Metric | Channel):
        return WORDS[language][value]
    if isinstance(value, int) and language == "fr":
        return f"{value:,}".replace(",", "\u202f") + ",00"
    return str(value)


@settings(deadline=None)
@given(
    st.lists(entitlements(), min_size=1, max_size=4, unique_by=lambda line: line.id),
    st.sampled_from(["fr", "en"]),
    st.sampled_from(";,\t|"),
    st.randoms(use_true_random=False),
)
def test_any_list_comes_in_as_it_was_meant(
    lines: list[Entitlement], language: str, delimiter: str, chance: random.Random
) -> None:
    names = [each for each in FIELDS if each in TOLD]
    chance.shuffle(names)
    headings = [chance.choice((name, *FIELDS[name].split("|"))) for name in names]
    text = io.StringIO()
    table = csv.writer(text, delimiter=delimiter)
    table.writerows([["Liste de licences"], [], headings])
    for line in lines:
        table.writerow([csv_text.plain(written(getattr(line, name), language)) for name in names])
        table.writerow([])
    world = World()

    world.take_in(text.getvalue())

    assert world.lines == {line.id: line for line in lines}
