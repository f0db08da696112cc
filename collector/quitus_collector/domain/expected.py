"""Devices that there should be, from a list of the company's own, beside those that there are."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from quitus_collector.domain.systems import System, family


@dataclass(frozen=True, slots=True)
class ExpectedDevice:
    """A device as the company's list has it; what the list does not tell is empty."""

    name: str
    site: str = ""
    system: str = ""
    entity: str = ""


@dataclass(frozen=True, slots=True)
class SeenDevice:
    """An enrolled device; `reports` says whether it did lately, `system` what it last said."""

    name: str
    reports: bool
    system: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """Devices of one site and system: how many are expected, enrolled among these, reporting."""

    site: str
    system: str
    expected: int
    enrolled: int
    reporting: int


@dataclass(frozen=True, slots=True)
class SystemCoverage:
    """Devices of one family: of those enrolled, `reporting` did lately and `silent` did not.

    `expected` are on the company's list, of these `never_seen` are not enrolled; both are None
    where it has none.
    """

    system: System
    expected: int | None
    enrolled: int
    reporting: int
    silent: int
    never_seen: int | None


@dataclass(frozen=True, slots=True)
class Coverage:
    """`known` devices are expected or enrolled; of these `reporting` did lately.

    `never_seen` are expected and not enrolled, `not_expected` the other way round, sorted. With
    no list, nothing is expected and coverage is of what is enrolled.
    """

    known: int
    reporting: int
    groups: tuple[Group, ...]
    never_seen: tuple[ExpectedDevice, ...]
    not_expected: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ListChanges:
    """What another list changes: names of devices that are new, gone, or told otherwise; sorted."""

    new: tuple[str, ...]
    gone: tuple[str, ...]
    changed: tuple[str, ...]


def short_name(name: str) -> str:
    """What two spellings of one machine's name share: without its domain, its letters small."""
    return name.strip().partition(".")[0].casefold()


def coverage(expected: Sequence[ExpectedDevice], seen: Iterable[SeenDevice]) -> Coverage:
    """Sets the list beside what is enrolled; names that several devices have are one device.

    One machine of a name reports when any enrolled device of that name does.
    """
    there: dict[str, SeenDevice] = {}
    for each in seen:
        key = short_name(each.name)
        if key not in there or each.reports:
            there[key] = each
    listed = {short_name(each.name): each for each in expected}
    groups: dict[tuple[str, str], list[str]] = {}
    for key, wanted in listed.items():
        groups.setdefault((wanted.site, wanted.system), []).append(key)
    return Coverage(
        known=len(listed.keys() | there.keys()),
        reporting=sum(each.reports for each in there.values()),
        groups=tuple(
            Group(
                site,
                system,
                len(keys),
                sum(key in there for key in keys),
                sum(key in there and there[key].reports for key in keys),
            )
            for (site, system), keys in sorted(groups.items())
        ),
        never_seen=tuple(listed[key] for key in sorted(listed.keys() - there.keys())),
        not_expected=tuple(there[key].name for key in sorted(there.keys() - listed.keys()))
        if listed
        else (),
    )


def changes(before: Iterable[ExpectedDevice], after: Iterable[ExpectedDevice]) -> ListChanges:
    """What the list `after` changes, names being compared as devices' are."""
    was = {short_name(each.name): each for each in before}
    now = {short_name(each.name): each for each in after}
    return ListChanges(
        tuple(now[key].name for key in sorted(now.keys() - was.keys())),
        tuple(was[key].name for key in sorted(was.keys() - now.keys())),
        tuple(now[key].name for key in sorted(now.keys() & was.keys()) if now[key] != was[key]),
    )


def without(
    expected: Iterable[ExpectedDevice], left_out: Iterable[str], counted: Iterable[str]
) -> list[ExpectedDevice]:
    """The list without what people took out of the perimeter, by the names of devices.

    A name that a counted device has too stays.
    """
    gone = {short_name(each) for each in left_out} - {short_name(each) for each in counted}
    return [each for each in expected if short_name(each.name) not in gone]


def by_system(
    expected: Sequence[ExpectedDevice], seen: Iterable[SeenDevice]
) -> tuple[SystemCoverage, ...]:
    """Coverage by family of systems, in their order; those of no device are left out.

    A device's system is what it last said; where it said nothing, what the list says of its name.
    Enrolled devices are each counted, names on the list once.
    """
    listed = {short_name(each.name): each for each in expected}
    enrolled, reporting = Counter[System](), Counter[System]()
    told: dict[str, System] = {}
    for each in seen:
        key = short_name(each.name)
        system = family(each.system)
        if system is System.UNKNOWN and key in listed:
            system = family(listed[key].system)
        enrolled[system] += 1
        reporting[system] += each.reports
        if each.reports or key not in told:
            told[key] = system
    wanted = Counter(told.get(key) or family(each.system) for key, each in listed.items())
    missing = Counter(family(each.system) for key, each in listed.items() if key not in told)
    return tuple(
        SystemCoverage(
            system,
            wanted[system] if listed else None,
            enrolled[system],
            reporting[system],
            enrolled[system] - reporting[system],
            missing[system] if listed else None,
        )
        for system in System
        if enrolled[system] or wanted[system]
    )
