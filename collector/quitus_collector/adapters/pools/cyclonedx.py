"""CycloneDX 1.5 and 1.6 (JSON): the `licensing` of components.

It has no quantity: that comes from a property of the licence or of its component, whose name ends
in what people call the column (`quitus:quantity`), and so may any other field.
"""

import json
from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any

from quitus_collector.domain.entitlement import Channel, Metric
from quitus_collector.errors import UsageError
from quitus_collector.services.intake.headings import field_of
from quitus_collector.services.intake.lines import Cell, Problem, RawLine, Reading, path_in, phrase
from quitus_collector.services.wording import N_

# What each kind of licence (`licenseTypes`) tells: CycloneDX 1.6, "licensing".
METRICS = {
    "concurrent-user": Metric.CONCURRENT,
    "device": Metric.DEVICE,
    "node-locked": Metric.DEVICE,
    "appliance": Metric.DEVICE,
    "named-user": Metric.USER,
    "user": Metric.USER,
}
CHANNELS = {"oem": Channel.OEM, "subscription": Channel.SUBSCRIPTION}
# Kinds that entitle nobody to what is counted here, or count in units that are no cores.
UNCOUNTED = ("evaluation", "core-points", "processor-points", "other")
_TELLING = frozenset({*METRICS, *CHANNELS, "perpetual", "client-access", "academic", *UNCOUNTED})


def read(content: bytes) -> Reading:
    """A line for each licence of a component that has `licensing`; raises UsageError."""
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise UsageError("is not JSON ({error})", error=error) from error
    if not isinstance(document, dict) or document.get("bomFormat") != "CycloneDX":
        raise UsageError("is JSON, but no CycloneDX: its bomFormat is missing")
    lines: list[RawLine] = []
    problems: list[Problem] = []
    for path, component in _components(document):
        for place, licence in _licences(path, component):
            line, wrong = _line(place, component, licence)
            problems.extend(wrong)
            lines.append(line)
    if not lines:
        what = phrase(N_("no licence of a component has `licensing`"))
        problems.append(Problem(path_in("components"), "", what))
    return Reading("cyclonedx", lines, (), problems)


def _components(document: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every component with its path, those within others too."""
    metadata = document.get("metadata")
    main = metadata.get("component") if isinstance(metadata, dict) else None
    waiting = deque([("metadata.component", main)] if isinstance(main, dict) else [])
    waiting += _listed("components", document.get("components"))
    while waiting:
        path, component = waiting.popleft()
        yield path, component
        waiting += _listed(f"{path}.components", component.get("components"))


def _listed(path: str, found: object) -> Iterator[tuple[str, dict[str, Any]]]:
    for number, each in enumerate(found if isinstance(found, list) else ()):
        if isinstance(each, dict):
            yield f"{path}[{number}]", each


def _licences(path: str, component: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for place, choice in _listed(f"{path}.licenses", component.get("licenses")):
        licence = choice.get("license")
        if isinstance(licence, dict) and isinstance(licence.get("licensing"), dict):
            yield place, licence


def _line(
    place: str, component: Mapping[str, Any], licence: Mapping[str, Any]
) -> tuple[RawLine, list[Problem]]:
    licensing = licence["licensing"]
    kinds = [each for each in _texts(licensing.get("licenseTypes")) if each in _TELLING]
    values: dict[str, Cell] = {
        "id": next(iter(_texts(licensing.get("altIds"))), None) or _text(licence.get("bom-ref")),
        "product": _text(component.get("name")),
        "version": _text(component.get("version")),
        "publisher": _publisher(component, licensing),
        "quantity": None,
        "proof": _text(licensing.get("purchaseOrder")),
        "valid_from": _text(licensing.get("lastRenewal")),
        "valid_until": _text(licensing.get("expiration")),
    }
    if metric := next((METRICS[each] for each in kinds if each in METRICS), None):
        values["metric"] = metric
    if channel := next((CHANNELS[each] for each in kinds if each in CHANNELS), None):
        values["channel"] = channel
    if "perpetual" in kinds:
        values["perpetual"] = True
    if "named-user" in kinds and _person(licensing.get("licensee")):
        values["quantity"] = 1
    columns = {
        "id": "altIds",
        "product": "name",
        "proof": "purchaseOrder",
        "valid_from": "lastRenewal",
        "valid_until": "expiration",
        "quantity": "properties",
        "metric": "licenseTypes",
    }
    for source in (component, licence):
        for _, each in _listed("properties", source.get("properties")):
            written = _text(each.get("name")) or ""
            if field := field_of(written.rpartition(":")[2]):
                values[field] = _text(each.get("value"))
                columns[field] = written
    problems = [
        Problem(
            path_in(f"{place}.license.licensing"),
            "licenseTypes",
            phrase(N_("{kind} is nothing that licences are counted by"), kind=each),
        )
        for each in kinds
        if each in UNCOUNTED
    ]
    return RawLine(path_in(f"{place}.license"), values, columns), problems


def _publisher(component: Mapping[str, Any], licensing: Mapping[str, Any]) -> str | None:
    named = _text(component.get("publisher"))
    for party in (component.get("manufacturer"), component.get("supplier")):
        named = named or (_text(party.get("name")) if isinstance(party, dict) else None)
    licensor = licensing.get("licensor")
    organisation = licensor.get("organization") if isinstance(licensor, dict) else None
    return named or (_text(organisation.get("name")) if isinstance(organisation, dict) else None)


def _person(licensee: object) -> bool:
    return isinstance(licensee, dict) and isinstance(licensee.get("individual"), dict)


def _texts(found: object) -> list[str]:
    return [each for each in found if isinstance(each, str)] if isinstance(found, list) else []


def _text(found: object) -> str | None:
    """A text or a number; anything else is none."""
    if isinstance(found, bool) or not isinstance(found, str | int | float):
        return None
    return str(found).strip() or None
