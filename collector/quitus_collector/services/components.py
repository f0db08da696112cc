"""What is installed on one device as a CycloneDX document (ECMA-424), for tools that read those."""

import uuid
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from quitus_collector.domain.catalogue import Catalogue, Recognition
from quitus_collector.domain.device import Device
from quitus_collector.domain.install import Install

# Names of ours in the properties of components, as the specification asks for a prefix.
PREFIX = "quitus:"


def bill_of_materials(
    device: Device, installs: Iterable[Install], catalogue: Catalogue, made_at: datetime
) -> Mapping[str, Any]:
    """CycloneDX 1.6 as JSON has it: each record verbatim, with what it was recognised as.

    The serial number is that of the device and of what it reported: the same for the same content.
    """
    told = uuid.uuid5(uuid.NAMESPACE_OID, f"quitus {device.id} {device.digest}")
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{told}",
        "version": 1,
        "metadata": {
            "timestamp": made_at.isoformat(timespec="seconds"),
            "component": {"type": "device", "name": device.name, "bom-ref": device.id},
        },
        "components": [
            _component(number, install, catalogue.recognise(install))
            for number, install in enumerate(installs, 1)
        ],
    }


def _component(number: int, install: Install, found: Recognition) -> Mapping[str, Any]:
    told = {
        "source": install.source,
        "scope": install.scope.value,
        "class": found.software_class.value,
        "product": found.product or "",
        "architecture": install.architecture,
        "hidden": "true" if install.hidden else "",
        **{f"identifier:{name}": value for name, value in install.identifiers.items()},
    }
    component: dict[str, Any] = {
        "type": "application",
        "bom-ref": f"install-{number}",
        "name": install.name,
        "properties": [
            {"name": f"{PREFIX}{name}", "value": value} for name, value in told.items() if value
        ],
    }
    if install.version:
        component["version"] = install.version
    if install.publisher:
        component["publisher"] = install.publisher
    return component
