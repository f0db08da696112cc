"""The software of a device as a bill of materials: CycloneDX 1.6, JSON (ECMA-424)."""

import json
import uuid
from collections.abc import Iterable, Iterator

from quitus_collector.domain.catalogue import Catalogue
from quitus_collector.domain.device import Device
from quitus_collector.domain.install import Install

SPACE = uuid.UUID("2f6d4c7e-4f0e-5f43-9d5b-3c1c0c3b7a11")


def document(device: Device, installs: Iterable[Install], catalogue: Catalogue) -> bytes:
    """The records of the last report, verbatim, with what each was recognised as.

    The same report gives the same document. Parts and patches are left out: they are properties
    of what they belong to, which no record tells.
    """
    shown = [each for each in installs if not each.hidden]
    name = f"{device.id} {device.digest}"
    metadata: dict[str, object] = {
        "component": {"type": "device", "bom-ref": f"device {device.id}", "name": device.name},
        "tools": {"components": [{"type": "application", "name": "Quitus"}]},
    }
    if device.last_report_at:
        metadata["timestamp"] = f"{device.last_report_at:%Y-%m-%dT%H:%M:%SZ}"
    bill = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(SPACE, name)}",
        "version": 1,
        "metadata": metadata,
        "components": [_component(n, each, catalogue) for n, each in enumerate(shown, start=1)],
    }
    return json.dumps(bill, ensure_ascii=False, indent=1).encode() + b"\n"


def _component(number: int, install: Install, catalogue: Catalogue) -> dict[str, object]:
    found: dict[str, object] = {
        "type": "application",
        "bom-ref": f"install {number}",
        "name": install.name,
    }
    if install.version:
        found["version"] = install.version
    if install.publisher:
        found["publisher"] = install.publisher
    properties = _properties(install, catalogue)
    return found | {"properties": [{"name": n, "value": value} for n, value in properties]}


def _properties(install: Install, catalogue: Catalogue) -> Iterator[tuple[str, str]]:
    recognition = catalogue.recognise(install)
    yield "quitus:source", install.source
    yield "quitus:scope", install.scope.value
    if install.architecture:
        yield "quitus:architecture", install.architecture
    if install.installed_on:
        yield "quitus:installed_on", install.installed_on
    yield "quitus:class", recognition.software_class.value
    if recognition.product:
        yield "quitus:product", recognition.product
    if recognition.rule:
        yield "quitus:rule", recognition.rule
    for kind, value in sorted(install.identifiers.items()):
        yield f"quitus:identifier:{kind}", value
