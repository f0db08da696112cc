"""Devices that there should be, from a list of the company's own, beside those that there are."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ExpectedDevice:
    """A device as the company's list has it; what the list does not tell is empty."""

    name: str
    site: str = ""
    system: str = ""
    entity: str = ""


@dataclass(frozen=True, slots=True)
class SeenDevice:
    """An enrolled device; `reports` says whether it did lately."""

    name: str
    reports: bool


@dataclass(frozen=True, slots=True)
class Group:
    """Devices of one site and system: how many are expected, enrolled among these, reporting."""

    site: str
    system: str
    expected: int
    enrolled: int
    reporting: int


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
