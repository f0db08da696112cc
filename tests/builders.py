"""Values for tests, each with only what the test cares about spelled out."""

from collections.abc import Sequence
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from functools import cache

import numpy as np

from quitus_collector.adapters.catalogue import files as catalogue_files
from quitus_collector.domain.catalogue import Catalogue
from quitus_collector.domain.certificate import ClientCertificate
from quitus_collector.domain.device import Device, JoinToken
from quitus_collector.domain.entitlement import UNLIMITED, Entitlement
from quitus_collector.domain.install import (
    DeviceFacts,
    Install,
    Inventory,
    SourceOutcome,
    SourceStatus,
)
from quitus_collector.domain.licensing.columns import Names
from quitus_collector.domain.licensing.covers import RIGHTS, ROW, Cover, Rows
from quitus_collector.domain.report import (
    Changes,
    Report,
    Unchanged,
    inventory_digest,
)
from quitus_collector.services.intake.lines import Cell, RawLine, Reading, line_number

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
OFFICE_2016 = "microsoft/office/professional-plus@2016"
OFFICE_2019 = "microsoft/office/professional-plus@2019"


@cache
def shipped_catalogue() -> Catalogue:
    """The rules that are shipped, read once by a process of tests."""
    return catalogue_files.load()


def a_device(device_id: str = "d-1", **fields: object) -> Device:
    values = {
        "hostname": device_id,
        "public_key_sha256": f"key of {device_id}",
        "token_id": "t-1",
        "enrolled_at": NOON,
        "certificate_expires_at": NOON + timedelta(days=30),
    }
    return Device(id=device_id, **(values | fields))  # type: ignore[arg-type]


def a_certificate(device: Device, **fields: object) -> ClientCertificate:
    """What this device shows, good for a year around now."""
    values = {
        "device_id": device.id,
        "key_sha256": device.public_key_sha256,
        "starts_at": NOON - timedelta(days=180),
        "ends_at": NOON + timedelta(days=180),
        "for_clients": True,
    }
    return ClientCertificate(**(values | fields))  # type: ignore[arg-type]


def a_token(token_id: str = "t-1", **fields: object) -> JoinToken:
    values = {
        "secret_sha256": f"hash of {token_id}",
        "uses_allowed": 1,
        "created_at": NOON,
        "expires_at": NOON + timedelta(days=1),
    }
    return JoinToken(id=token_id, **(values | fields))  # type: ignore[arg-type]


def an_install(name: str = "Notepad++", **fields: object) -> Install:
    return Install(name, **({"version": "1.0", "source": "dpkg"} | fields))  # type: ignore[arg-type]


def an_inventory(
    *installs: Install, sources: dict[str, SourceStatus] | None = None, **fields: object
) -> Inventory:
    """An inventory whose sources are those of its installs, all read, unless they are given."""
    found = sources or {install.source: SourceStatus.READ for install in installs}
    outcomes = tuple(SourceOutcome(name, status) for name, status in found.items())
    values = {"facts": DeviceFacts(), "sources": outcomes}
    return Inventory(installs=installs, **(values | fields))  # type: ignore[arg-type]


def a_report(content: Inventory | Changes | Unchanged, **fields: object) -> Report:
    """A report that states the digest its content has, unless another is given."""
    digest = b"d" * 32
    if isinstance(content, Inventory):
        rows = [each.row() for each in content.installs]
        digest = inventory_digest(content.facts, content.sources, rows)
    values = {"taken_at": NOON, "digest": digest, "receipt": b""}
    return Report(content=content, **(values | fields))  # type: ignore[arg-type]


def an_entitlement(
    entitlement_id: str = "E-1", product: str = OFFICE_2019, quantity: int = 1, **fields: object
) -> Entitlement:
    return Entitlement(entitlement_id, product, quantity, **fields)  # type: ignore[arg-type]


def a_reading(*entitlements: Entitlement) -> Reading:
    """A list that states every field of these, from its second line on."""
    return Reading("csv", [a_line(each, row) for row, each in enumerate(entitlements, start=2)])


def a_line(entitlement: Entitlement, row: int = 2) -> RawLine:
    cells: dict[str, Cell] = {
        each.name: getattr(entitlement, each.name)
        for each in fields(Entitlement)
        if each.name != "bought_as"
    }
    if entitlement.virtual_machines == UNLIMITED:
        cells["virtual_machines"] = "unlimited"
    cells["previous_owners"] = " > ".join(entitlement.previous_owners)
    return RawLine(line_number(row), cells)


def rows_of(covers: Sequence[Cover], names: Names) -> Rows:
    """The covers by numbers, in the order given."""
    devices, users, products, entitlements = (
        {name: number for number, name in enumerate(each)} for each in names
    )
    return np.array(
        [
            (
                devices[cover.device],
                products[cover.product],
                entitlements[cover.entitlement],
                users[cover.user],
                RIGHTS.index(cover.right),
            )
            for cover in covers
        ],
        ROW,
    )
