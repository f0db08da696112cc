"""What a CIO should know beside the count: facts with their evidence, never accusations."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum

from quitus_collector.domain.catalogue import Catalogue
from quitus_collector.domain.entitlement import Entitlement
from quitus_collector.domain.install import Install
from quitus_collector.domain.product import line_of, version_of
from quitus_collector.domain.proof import ProofKind, title_flaws
from quitus_collector.domain.recognition import Recognition

# Microsoft: evaluation editions of servers run for 180 days.
EVALUATION = timedelta(days=180)
NOT_LICENSED = frozenset({"unlicensed", "notification", "non-genuine"})
BASE_CHANNELS = frozenset({"oem", "retail"})
ACTIVATION = "activation"
ENTERPRISE = frozenset({"microsoft/windows/enterprise", "microsoft/windows/enterprise-ltsc"})


class FindingKind(StrEnum):
    """What kind of fact it is."""

    OUT_OF_SUPPORT = "out-of-support"
    NOT_ACTIVATED = "not-activated"
    UNKNOWN_KEY_SERVER = "unknown-key-server"
    EVALUATION_EXPIRED = "evaluation-expired"
    NO_BASE_LICENCE = "no-base-licence"
    CONDITION = "condition"
    USED_WITHOUT_TITLE = "used-without-title"


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One fact about one product on some devices.

    `evidence` is what the devices, the catalogue or the pools say (a status, a server, a day, a
    line), `source` where the rule comes from. `text_fr` is the French text of a condition. What is
    not on devices has none.
    """

    kind: FindingKind
    product: str
    evidence: str
    source: str
    devices: tuple[str, ...]
    text_fr: str = field(default="", compare=False)

    def document(self) -> dict[str, object]:
        """The finding as JSON has it."""
        return {
            "kind": self.kind.value,
            "product": self.product,
            "evidence": self.evidence,
            "source": self.source,
            "devices": list(self.devices),
        }


@dataclass(frozen=True, slots=True)
class Seen:
    """A record on a device and what it was recognised as."""

    install: Install
    recognition: Recognition


# CJEU: the right to resell, and who has to show it.
USED_TITLE = "CJEU C-128/11 (UsedSoft) and C-166/15 (Ranks)"

_Fact = tuple[FindingKind, str, str, str, str]


def findings(
    devices: Mapping[str, Sequence[Seen]],
    catalogue: Catalogue,
    today: date,
    key_servers: frozenset[str] = frozenset(),
) -> tuple[Finding, ...]:
    """All facts, sorted, each once with all its devices.

    `key_servers` are the company's own; without them no key server is called unknown.
    """
    found: dict[_Fact, set[str]] = {}
    for device, records in devices.items():
        for fact in _facts(records, catalogue, today, key_servers):
            found.setdefault(fact, set()).add(device)
    return tuple(
        sorted(
            Finding(kind, product, evidence, source, tuple(sorted(on)), text_fr)
            for (kind, product, evidence, source, text_fr), on in found.items()
        )
    )


def used_without_title(
    lines: Iterable[tuple[Entitlement, frozenset[ProofKind]]],
) -> tuple[Finding, ...]:
    """Used lines that are not shown to be lawful, by product; each with its documents' kinds."""
    flawed: dict[str, list[str]] = {}
    for line, kinds in lines:
        if title_flaws(line, kinds):
            flawed.setdefault(line.product, []).append(line.id)
    kind = FindingKind.USED_WITHOUT_TITLE
    return tuple(
        Finding(kind, product, ", ".join(ids), USED_TITLE, ())
        for product, ids in sorted(flawed.items())
    )


def _facts(
    records: Sequence[Seen], catalogue: Catalogue, today: date, key_servers: frozenset[str]
) -> Iterator[_Fact]:
    for each in records:
        product = each.recognition.product
        if not product or not each.recognition.document()["product"]:
            continue
        if each.install.source == ACTIVATION:
            yield from _activation(each.install, product, key_servers)
            continue
        yield from _support(each.install, product, catalogue, today)
        yield from _conditions(product, catalogue, today)
        yield from _evaluation(each.install, product, today)
    yield from _base(records)


def _support(install: Install, product: str, catalogue: Catalogue, today: date) -> Iterator[_Fact]:
    known = catalogue.products.get(line_of(product))
    release = known.release(version_of(product), install.version) if known else None
    if release and release.supported_until and release.supported_until < today:
        day = release.supported_until.isoformat()
        seen = day if version_of(product) else f"{day} ({release.version})"
        yield FindingKind.OUT_OF_SUPPORT, product, seen, release.source, ""


def _conditions(product: str, catalogue: Catalogue, today: date) -> Iterator[_Fact]:
    known = catalogue.products.get(line_of(product))
    for each in known.conditions if known else ():
        if each.valid_from is None or each.valid_from <= today:
            yield FindingKind.CONDITION, product, each.text, each.source, each.text_fr


def _activation(install: Install, product: str, key_servers: frozenset[str]) -> Iterator[_Fact]:
    status = install.identifiers.get("licence_status", "")
    channel = install.identifiers.get("channel", "")
    server = install.identifiers.get("kms_host", "").lower()
    if channel == "evaluation" and status in NOT_LICENSED:
        yield FindingKind.EVALUATION_EXPIRED, product, f"{channel}, {status}", ACTIVATION, ""
    elif status in NOT_LICENSED:
        yield FindingKind.NOT_ACTIVATED, product, f"{channel or '?'}, {status}", ACTIVATION, ""
    if key_servers and server and server not in key_servers:
        yield FindingKind.UNKNOWN_KEY_SERVER, product, server, ACTIVATION, ""


def _evaluation(install: Install, product: str, today: date) -> Iterator[_Fact]:
    if not line_of(product).endswith("/evaluation") or not install.installed_on:
        return
    try:
        ended = date.fromisoformat(install.installed_on) + EVALUATION
    except ValueError:
        return
    if ended < today:
        source = "Microsoft, evaluation editions: 180 days"
        yield FindingKind.EVALUATION_EXPIRED, product, ended.isoformat(), source, ""


def _base(records: Iterable[Seen]) -> Iterator[_Fact]:
    """Volume licences of Windows are upgrades: each device needs a full licence below.

    Says nothing of a device that reports no activation of Windows.
    """
    records = list(records)
    channels = {
        each.install.identifiers.get("channel", "")
        for each in records
        if each.install.source == ACTIVATION
        and each.install.identifiers.get("application") == "windows"
    }
    if not channels or channels & BASE_CHANNELS:
        return
    for each in records:
        product = each.recognition.product or ""
        if line_of(product) in ENTERPRISE and each.install.source != ACTIVATION:
            source = "Microsoft, Product Terms: Windows desktop operating system upgrades"
            yield FindingKind.NO_BASE_LICENCE, product, ", ".join(sorted(channels)), source, ""
