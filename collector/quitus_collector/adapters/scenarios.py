"""Scenario files: a counting case as one JSON document, in and out (docs/licensing.md)."""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, ValidationError, field_validator, model_validator

from quitus_collector.adapters.documents import Model, complaint, read_bytes, text_of
from quitus_collector.adapters.exact_json import parsed
from quitus_collector.adapters.scenario_installs import without_installs
from quitus_collector.domain.entitlement import UNLIMITED, Entitlement, Metric, Right
from quitus_collector.domain.licensing.columns import Installs, alike
from quitus_collector.domain.licensing.covers import Cover, Covers
from quitus_collector.domain.licensing.rights import at_own_version
from quitus_collector.domain.licensing.situation import (
    Access,
    CountedDevice,
    ProductTerms,
    Reconciliation,
    Situation,
)
from quitus_collector.errors import UsageError


def _iso(value: object) -> object:
    """Dates are written 2026-12-31 and in no other of the ways that ISO 8601 knows."""
    if not isinstance(value, str):
        return value
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", value, re.ASCII):
        raise ValueError(f"{value!r} is not a date like 2026-12-31")
    return date.fromisoformat(value)


def _amount(value: object) -> object:
    """Numbers only, of a size that money has: their sums are exact, whatever their length."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = Decimal(value)
    if not isinstance(value, Decimal):
        raise ValueError("is not a number")
    if value and not -LONGEST_AMOUNT < value.adjusted() < LONGEST_AMOUNT:
        raise ValueError("is not an amount of money")
    return value


def _one_of(words: type[StrEnum], value: object) -> object:
    if not isinstance(value, str) or value not in set(words):
        told = f"{value!r} is" if isinstance(value, str) else "is"
        raise ValueError(f"{told} not one of {', '.join(words)}")
    return words(value)


LONGEST_AMOUNT = 30
_quoted = json.JSONEncoder(ensure_ascii=False).encode
COVERS_AT_A_TIME = 1 << 16
MARK = "\ufdd0"  # no character of any text
Name = Annotated[str, Field(min_length=1)]
Quantity = Annotated[int, Field(ge=0)]
# Sums of these stay within what floating point holds exactly; no company has as many of anything.
Count = Annotated[int, Field(ge=0, le=10**12)]
Amount = Annotated[Decimal, BeforeValidator(_amount), Field(ge=0)]
Day = Annotated[date, BeforeValidator(_iso)]
MetricName = Annotated[Metric, BeforeValidator(partial(_one_of, Metric))]
RightName = Annotated[Right, BeforeValidator(partial(_one_of, Right))]


class ProductEntry(Model):
    """A line of `products`."""

    id: Name
    edition_rank: int | None = None
    released: Day | None = None
    includes: list[Name] = []
    unit_cost: Amount = Decimal(1)
    default_metric: MetricName = Metric.DEVICE
    core_minimum_per_device: Count = 0
    core_minimum_per_processor: Count = 0
    core_pack: Annotated[int, Field(ge=1, le=10**12)] = 1

    def value(self) -> ProductTerms:
        """The product as the engine knows it."""
        return ProductTerms(**(dict(self) | {"includes": tuple(self.includes)}))


class DeviceEntry(Model):
    """A line of `devices`."""

    id: Name
    kind: Literal["physical", "virtual"] = "physical"
    host: Name | None = None
    processors: Count = 1
    cores: Count = 1
    user: Name | None = None
    portable: bool = False
    entity: Name | None = None

    def value(self) -> CountedDevice:
        """The device as the engine knows it."""
        return CountedDevice(
            self.id,
            self.entity,
            self.user,
            self.portable,
            self.kind == "virtual",
            self.host,
            self.processors,
            self.cores,
        )


class InstallEntry(Model):
    """A line of `installs`."""

    device: Name
    product: Name


class AccessEntry(Model):
    """A line of `access`."""

    product: Name
    user: Name | None = None
    device: Name | None = None

    @model_validator(mode="after")
    def _by_someone(self) -> Self:
        if self.user is None and self.device is None:
            raise ValueError("names neither a user nor a device")
        return self


class PeakEntry(Model):
    """A line of `peaks`."""

    product: Name
    concurrent: Count


class EntitlementEntry(Model):
    """A line of `entitlements`."""

    id: Name
    product: Name
    quantity: Quantity
    metric: MetricName
    devices_per_user: Annotated[int, Field(ge=1)] | None = None
    downgrade: bool = False
    edition_downgrade: bool = False
    maintenance_until: Day | None = None
    bound_to: Name | None = None
    entity: Name | None = None
    valid_from: Day | None = None
    valid_until: Day | None = None
    second_use: bool = False
    virtual_machines: int | None = None
    requires_base: Name | None = None

    @field_validator("virtual_machines", mode="before")
    @classmethod
    def _slots(cls, value: object) -> object:
        """A number or a word: one complaint for both."""
        if value == "unlimited":
            return UNLIMITED
        if value is None or (type(value) is int and value >= 0):
            return value
        raise ValueError("is neither a whole number from 0 on nor 'unlimited'")

    def value(self) -> Entitlement:
        """The entitlement as the engine knows it."""
        return Entitlement(**dict(self))


class ExpectedCover(Model):
    """A line of `expected.covered_by`."""

    device: str
    product: Name
    entitlement: Name
    right: RightName
    user: Name | None = None


class Expected(Model):
    """What a right answer says, or part of it: for whoever checks the answer."""

    uncovered: dict[str, Quantity] = {}
    uncovered_access: dict[str, Quantity] = {}
    consumed: dict[str, Quantity] = {}
    shortfall_cost: Amount | None = None
    covered_by: list[ExpectedCover] = []
    optimal: bool = True


class Scenario(Model):
    """The whole document."""

    title: str = ""
    source: str = ""
    as_of: Day
    products: list[ProductEntry] = []
    devices: list[DeviceEntry] = []
    installs: list[InstallEntry] = []
    access: list[AccessEntry] = []
    peaks: list[PeakEntry] = []
    employees: Count | None = None
    entitlements: list[EntitlementEntry] = []
    expected: Expected = Expected()

    @model_validator(mode="after")
    def _names_defined(self) -> Self:
        products = _distinct("products", "id", self.products)
        devices = _distinct("devices", "id", self.devices)
        _distinct("entitlements", "id", self.entitlements)
        _distinct("peaks", "product", self.peaks)
        for number, device in enumerate(self.devices):
            _defined(f"devices[{number}].host", device.host or device.id, devices)
        for number, install in enumerate(self.installs):
            _defined(f"installs[{number}].device", install.device, devices)
            _defined(f"installs[{number}].product", install.product, products)
        for list_name in ("access", "peaks", "entitlements"):
            for number, entry in enumerate(getattr(self, list_name)):
                _defined(f"{list_name}[{number}].product", entry.product, products)
        return self

    @model_validator(mode="after")
    def _rights_in_place(self) -> Self:
        for number, entry in enumerate(self.entitlements):
            line, place = entry.value(), f"entitlements[{number}]"
            if line.valid_from and line.valid_until and line.valid_from > line.valid_until:
                raise ValueError(f"{place}.valid_from: is after valid_until")
            misplaced = line.misplaced_right()
            if misplaced:
                raise ValueError(f"{place}.{misplaced}: does not go with the metric {line.metric}")
        return self

    @model_validator(mode="after")
    def _suites_end(self) -> Self:
        """Suites that include each other would have no end."""
        listed = {each.id: each.includes for each in self.products}
        inside = {
            suite: {name for each in names for name in (each, at_own_version(each, suite))}
            for suite, names in listed.items()
        }
        for number, product in enumerate(self.products):
            seen: set[str] = set()
            unopened = set(inside[product.id])
            while unopened:
                name = unopened.pop()
                seen.add(name)
                unopened |= inside.get(name, set()) - seen
            if product.id in seen:
                raise ValueError(f"products[{number}].includes: {product.id!r} includes itself")
        return self

    @model_validator(mode="after")
    def _employees_known(self) -> Self:
        for list_name, key in (("products", "default_metric"), ("entitlements", "metric")):
            for number, entry in enumerate(getattr(self, list_name)):
                if getattr(entry, key) is Metric.EMPLOYEE and self.employees is None:
                    raise ValueError(f"employees: missing, {list_name}[{number}].{key} asks for it")
        return self

    def situation(self) -> Situation:
        """The case as the engine takes it."""
        return Situation(
            as_of=self.as_of,
            devices=[each.value() for each in self.devices],
            installs=Installs.of((each.device, each.product) for each in self.installs),
            entitlements=[each.value() for each in self.entitlements],
            products={each.id: each.value() for each in self.products},
            access=frozenset(Access(each.product, each.user, each.device) for each in self.access),
            peaks={each.product: each.concurrent for each in self.peaks},
            employees=self.employees or 0,
        )


def read(path: Path) -> Situation:
    """Reads and checks a scenario; raises UsageError with the place in the document."""
    content = read_bytes(path)
    try:
        document, installs = without_installs(content) or (parsed(text_of(content, path)), None)
        del content
        situation = Scenario.model_validate(document).situation()
        return situation if installs is None else replace(situation, installs=installs)
    except json.JSONDecodeError as error:
        raise UsageError(f"{path}: line {error.lineno}: {error.msg}") from error
    except RecursionError as error:
        raise UsageError(f"{path}: nested too deep") from error
    except ValidationError as error:
        raise UsageError(f"{path}: {complaint(error)}") from error
    except ValueError as error:
        raise UsageError(f"{path}: {error}") from error


def answer(result: Reconciliation) -> Iterator[str]:
    """The answer as JSON, a cover a line, in pieces of text that follow each other.

    `bound` is what the shortfall cost was proven not to be below.
    """
    document: dict[str, Any] = {
        "uncovered": dict(result.uncovered),
        "uncovered_access": dict(result.uncovered_access),
        "consumed": dict(result.consumed),
        "shortfall_cost": _number(result.shortfall_cost),
        "covered": [],
        "optimal": result.optimal,
        "bound": _number(result.bound),
    }
    text = json.dumps(document, ensure_ascii=False, indent=1)
    text = re.sub(f'"{MARK}([0-9.]+){MARK}"', r"\1", text)
    head, tail = text.rsplit("]", 1)
    yield head
    yield from _covers(result.covered)
    yield f"\n ]{tail}\n" if result.covered else f"]{tail}\n"


def _covers(covers: Covers) -> Iterator[str]:
    """The objects, written by hand, since there may be millions: few differ but for the device."""
    names = covers.names
    heads = [f'\n  {{"device": {_quoted(device)}, ' for device in names.devices]
    for start in range(0, len(covers), COVERS_AT_A_TIME):
        rows = covers.rows[start : start + COVERS_AT_A_TIME]
        rest = (rows[name] for name in ("product", "entitlement", "right", "user"))
        first, kinds = alike(len(rows), rest)
        ends = [_after_device(covers[start + row]) for row in first.tolist()]
        objects = zip(rows["device"].tolist(), kinds.tolist(), strict=True)
        text = ",".join([heads[device] + ends[kind] for device, kind in objects])
        yield f",{text}" if start else text


def _after_device(cover: Cover) -> str:
    user = f', "user": {_quoted(cover.user)}' if cover.user else ""
    return (
        f'"product": {_quoted(cover.product)}, "entitlement": {_quoted(cover.entitlement)}, '
        f'"right": "{cover.right.value}"{user}}}'
    )


def _number(amount: Decimal) -> int | str:
    """A number; one that a float may not hold is marked, and its quotes go in the end."""
    if amount == int(amount):
        return int(amount)
    return f"{MARK}{amount:f}{MARK}"


def _distinct(
    name: str,
    key: str,
    entries: Iterable[ProductEntry | DeviceEntry | EntitlementEntry | PeakEntry],
) -> frozenset[str]:
    found: set[str] = set()
    for number, entry in enumerate(entries):
        value = getattr(entry, key)
        if value in found:
            raise ValueError(f"{name}[{number}].{key}: {value!r} is used twice")
        found.add(value)
    return frozenset(found)


def _defined(place: str, name: str, known: frozenset[str]) -> None:
    if name not in known:
        raise ValueError(f"{place}: {name!r} is not defined")
