"""What devices contribute adds up to the figures of the lines."""

from hypothesis import given, settings
from hypothesis import strategies as st

from quitus_collector.domain.catalogue import Catalogue, CountingTerms
from quitus_collector.domain.contribution import Confidence, Contributions, contributions
from quitus_collector.domain.counting import lines_of, question
from quitus_collector.domain.entitlement import Entitlement, Metric
from quitus_collector.domain.evidence import Share
from quitus_collector.domain.licensing.fleet import named_answer_for
from quitus_collector.domain.licensing.situation import CountedDevice
from quitus_collector.domain.position import PositionLine
from tests.builders import an_entitlement, shipped_catalogue
from tests.unit.collector.licensing.test_tally import DAY, PRODUCTS, SOLVER, TERMS, devices, lines

CATALOGUE = shipped_catalogue()
Installed = dict[str, frozenset[str]]


def of(
    fleet: list[CountedDevice],
    installed: Installed,
    owned: list[Entitlement],
    certain: frozenset[str] = frozenset(),
    spared: dict[tuple[str, str], list[str]] | None = None,
    terms: Catalogue | CountingTerms = TERMS,
) -> tuple[tuple[PositionLine, ...], Contributions]:
    asked = question(DAY, fleet, installed, owned, terms, spared or {})
    answer, named = named_answer_for(asked.situation, asked.fleet, asked.demanded, SOLVER)
    made = lines_of(asked, answer, terms)
    return made, contributions(made, fleet, installed, named, certain, terms, DAY, asked.spared)


@settings(deadline=None)
@given(devices, lines, st.data())
def test_every_install_is_in_one_count_and_the_counts_are_the_lines(
    fleet: list[CountedDevice], owned: list[Entitlement], data: st.DataObject
) -> None:
    sets = st.frozensets(st.sampled_from(PRODUCTS))
    installed = {device.id: data.draw(sets) for device in fleet}

    made, found = of(fleet, installed, owned)

    seen = [(part.device, kind.product) for kind, parts in found.parts.items() for part in parts]
    assert sorted(seen) == sorted((d, product) for d, some in installed.items() for product in some)
    for line in made:
        counts = {
            kind: parts for kind, parts in found.parts.items() if kind.product == line.product
        }
        missing = [parts for kind, parts in counts.items() if kind.share is Share.UNCOVERED]
        assert sum(map(len, missing)) == (line.missing or 0)
        assert {
            (kind.entitlement, kind.right): len(parts)
            for kind, parts in counts.items()
            if kind.share is Share.COVERED
        } == {(each.entitlement, each.right.value): each.installs for each in line.covered}
        required = found.bases[line.product].required
        units = sum(part.units for parts in counts.values() for part in parts)
        assert units == (required or 0)
        if line.metric is Metric.DEVICE and line.reason is None:
            assert required == line.installed


def test_a_person_with_three_devices_requires_one_licence() -> None:
    fleet = [CountedDevice(f"d-{n}", user="p") for n in range(3)]
    installed = dict.fromkeys(("d-0", "d-1", "d-2"), frozenset({"a/cc"}))

    _, found = of(fleet, installed, [])

    assert found.bases["a/cc"].required == 1
    (parts,) = found.parts.values()
    assert [part.units for part in parts] == [1, 0, 0]


def test_an_undetermined_line_has_its_devices_and_no_units() -> None:
    fleet = [CountedDevice("d-0")]  # whose it is, nobody knows

    _, found = of(fleet, {"d-0": frozenset({"a/cc"})}, [])

    ((kind, parts),) = found.parts.items()
    assert kind.share is Share.UNDETERMINED
    assert [part.units for part in parts] == [0]
    assert found.bases["a/cc"].required is None
    assert found.bases["a/cc"].confidence is Confidence.NONE


def test_confidence_falls_with_devices_that_are_silent_or_were_read_in_part() -> None:
    fleet = [CountedDevice(f"d-{n:02}") for n in range(20)]
    installed = {each.id: frozenset({PRODUCTS[0]}) for each in fleet}
    owned = [an_entitlement("E", PRODUCTS[0], 20)]

    def confidence(certain: int) -> Confidence:
        known = frozenset(each.id for each in fleet[:certain])
        return of(fleet, installed, owned, known)[1].bases[PRODUCTS[0]].confidence

    assert [confidence(20), confidence(19), confidence(18), confidence(16), confidence(15)] == [
        Confidence.HIGH,
        Confidence.HIGH,
        Confidence.MEDIUM,
        Confidence.MEDIUM,
        Confidence.LOW,
    ]


def sql(*fleet: CountedDevice) -> Contributions:
    """SQL Server on every device, as the catalogue that is shipped counts it: four cores at least,
    in packs of two."""
    product = "microsoft/sql-server/standard@2019"
    installed = {device.id: frozenset({product}) for device in fleet}
    return of(list(fleet), installed, [], terms=CATALOGUE)[1]


def test_units_are_those_of_the_metric() -> None:
    found = sql(CountedDevice("d-0", cores=7), CountedDevice("d-1", cores=1))

    (parts,) = found.parts.values()
    assert [part.units for part in parts] == [8, 4]
    assert [basis.required for basis in found.bases.values()] == [12]


def test_what_a_virtual_machine_requires_is_not_guessed() -> None:
    found = sql(
        CountedDevice("d-0", cores=8), CountedDevice("d-1", cores=2, is_virtual=True, host="d-0")
    )

    (parts,) = found.parts.values()
    assert [part.units for part in parts] == [0, 0]
    assert [basis.required for basis in found.bases.values()] == [None]


def test_exempt_installs_are_counted_apart_and_need_no_units() -> None:
    fleet = [CountedDevice("d-0"), CountedDevice("d-1")]
    installed = {"d-0": frozenset({PRODUCTS[0]})}

    (line, *_), found = of(fleet, installed, [], spared={(PRODUCTS[0], "X"): ["d-1"]})

    assert (line.installed, line.missing) == (2, 1)
    assert {kind[2:]: parts for kind, parts in found.parts.items()} == {
        (Share.EXEMPT, "X", ""): [("d-1", 0)],
        (Share.UNCOVERED, "", ""): [("d-0", 1)],
    }
    assert found.bases[PRODUCTS[0]].required == 1


def test_exempt_installs_of_an_undetermined_line_are_undetermined_with_it() -> None:
    _, found = of(
        [CountedDevice("d-0"), CountedDevice("d-1")],
        {"d-0": frozenset({"a/cc"})},
        [],
        spared={("a/cc", "X"): ["d-1"]},
    )

    ((kind, parts),) = found.parts.items()
    assert kind.share is Share.UNDETERMINED
    assert [part.device for part in parts] == ["d-0", "d-1"]
