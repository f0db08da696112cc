"""Scenario files: a counting case as one JSON document, in and out (docs/licensing.md)."""

import json
import re
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, ValidationError, model_validator

from quitus_collector.adapters.documents import Model, complaint, read_text
from quitus_collector.domain.entitlement import COUNTED_METRICS, Entitlement, Metric
from quitus_collector.domain.reconciliation import CountedDevice, Reconciliation, Situation
from quitus_collector.errors import UsageError


def _iso(value: object) -> object:
    """Dates are written 2026-12-31 and in no other of the ways that ISO 8601 knows."""
    if not isinstance(value, str):
        return value
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", value):
        raise ValueError(f"{value!r} is not a date like 2026-12-31")
    return date.fromisoformat(value)


Name = Annotated[str, Field(min_length=1)]
Count = Annotated[int, Field(ge=0)]
Amount = Annotated[Decimal, Field(ge=0, allow_inf_nan=False)]
Day = Annotated[date, BeforeValidator(_iso)]
NOT_COUNTED = "not counted by this version"


class ProductEntry(Model):
    """A line of `products`."""

    id: Name
    edition_rank: int = 0
    released: Day | None = None
    includes: list[Name] = []
    unit_cost: Amount = Decimal(1)
    default_metric: Metric = Metric.DEVICE
    core_minimum_per_device: Count = 0
    core_minimum_per_processor: Count = 0
    core_pack: Annotated[int, Field(ge=1)] = 1


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


class InstallEntry(Model):
    """A line of `installs`."""

    device: Name
    product: Name


class AccessEntry(Model):
    """A line of `access`."""

    product: Name
    user: Name | None = None
    device: Name | None = None


class PeakEntry(Model):
    """A line of `peaks`."""

    product: Name
    concurrent: Count


class EntitlementEntry(Model):
    """A line of `entitlements`."""

    id: Name
    product: Name
    quantity: Count
    metric: Metric
    devices_per_user: Count | None = None
    downgrade: bool = False
    edition_downgrade: bool = False
    maintenance_until: Day | None = None
    bound_to: Name | None = None
    entity: Name | None = None
    valid_from: Day | None = None
    valid_until: Day | None = None
    second_use: bool = False
    virtual_machines: Count | Literal["unlimited"] | None = None
    requires_base: Name | None = None

    @model_validator(mode="after")
    def _dates_in_order(self) -> Self:
        if self.valid_from and self.valid_until and self.valid_from > self.valid_until:
            raise ValueError("valid_from is after valid_until")
        return self

    def value(self) -> Entitlement:
        """The entitlement as the engine knows it."""
        return Entitlement(
            id=self.id,
            product=self.product,
            quantity=self.quantity,
            metric=self.metric,
            downgrade=self.downgrade,
            bound_to=self.bound_to,
            entity=self.entity,
            valid_from=self.valid_from,
            valid_until=self.valid_until,
        )


class Scenario(Model):
    """The whole document; `expected` is for whoever checks the answer."""

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
    expected: dict[str, Any] = {}

    @model_validator(mode="after")
    def _names_defined(self) -> Self:
        products = _ids("products", self.products)
        devices = _ids("devices", self.devices)
        _ids("entitlements", self.entitlements)
        for number, install in enumerate(self.installs):
            _defined(f"installs[{number}].device", install.device, devices)
            _defined(f"installs[{number}].product", install.product, products)
        for number, device in enumerate(self.devices):
            _defined(f"devices[{number}].host", device.host or device.id, devices)
        for list_name in ("entitlements", "peaks", "access"):
            for number, entry in enumerate(getattr(self, list_name)):
                _defined(f"{list_name}[{number}].product", entry.product, products)
        return self

    @model_validator(mode="after")
    def _all_counted(self) -> Self:
        """What the format knows and this version does not count is said, never left out."""
        for list_name in ("access", "peaks"):
            if getattr(self, list_name):
                raise ValueError(f"{list_name}: {NOT_COUNTED}")
        for number, product in enumerate(self.products):
            if product.includes:
                raise ValueError(f"products[{number}].includes: {NOT_COUNTED}")
            if product.default_metric not in COUNTED_METRICS:
                raise ValueError(f"products[{number}].default_metric: {NOT_COUNTED}")
        counted = set(EntitlementEntry.model_fields) - UNCOUNTED_RIGHTS
        for number, line in enumerate(self.entitlements):
            if line.metric not in COUNTED_METRICS:
                raise ValueError(f"entitlements[{number}].metric: {line.metric} is {NOT_COUNTED}")
            for key in sorted(line.model_fields_set - counted):
                if getattr(line, key) is not None and getattr(line, key) is not False:
                    raise ValueError(f"entitlements[{number}].{key}: {NOT_COUNTED}")
        return self

    def situation(self) -> Situation:
        """The case as the engine takes it."""
        return Situation(
            as_of=self.as_of,
            devices=[CountedDevice(each.id, each.entity) for each in self.devices],
            installs=frozenset((each.device, each.product) for each in self.installs),
            entitlements=[each.value() for each in self.entitlements],
            unit_costs={each.id: each.unit_cost for each in self.products},
        )


UNCOUNTED_RIGHTS = {
    "devices_per_user",
    "edition_downgrade",
    "maintenance_until",
    "second_use",
    "virtual_machines",
    "requires_base",
}


def read(path: Path) -> Situation:
    """Reads and checks a scenario; raises UsageError with the place in the document."""
    text = read_text(path)
    try:
        # For its line numbers and for keys given twice, which the model's check does not see.
        json.loads(text, object_pairs_hook=_distinct_keys)
        return Scenario.model_validate_json(text).situation()
    except json.JSONDecodeError as error:
        raise UsageError(f"{path}: line {error.lineno}: {error.msg}") from error
    except RecursionError as error:
        raise UsageError(f"{path}: nested too deep") from error
    except ValidationError as error:
        raise UsageError(f"{path}: {complaint(error)}") from error
    except ValueError as error:
        raise UsageError(f"{path}: {error}") from error


def answer(result: Reconciliation) -> dict[str, object]:
    """The answer as JSON has it; amounts are numbers, whole where they can be."""
    cost = result.shortfall_cost
    return {
        "uncovered": dict(result.uncovered),
        "consumed": dict(result.consumed),
        "shortfall_cost": int(cost) if cost == int(cost) else float(cost),
        "covered": [
            {
                "device": cover.device,
                "product": cover.product,
                "entitlement": cover.entitlement,
                "right": cover.right.value,
            }
            for cover in result.covered
        ],
        "optimal": True,
    }


def _distinct_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"the key {twice!r} is given twice in one object")
    return found


def _ids(
    name: str, entries: Iterable[ProductEntry | DeviceEntry | EntitlementEntry]
) -> frozenset[str]:
    ids: set[str] = set()
    for number, entry in enumerate(entries):
        if entry.id in ids:
            raise ValueError(f"{name}[{number}].id: {entry.id!r} is used twice")
        ids.add(entry.id)
    return frozenset(ids)


def _defined(place: str, name: str, known: frozenset[str]) -> None:
    if name not in known:
        raise ValueError(f"{place}: {name!r} is not defined")
