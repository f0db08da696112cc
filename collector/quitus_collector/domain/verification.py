"""Whether a declaration is what it says: the checks, and the sums of its lines."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

from quitus_collector.domain.entitlement import Channel
from quitus_collector.domain.evidence import Commitment, Count, EvidenceError, Share


class Subject(StrEnum):
    """What is checked, in this order."""

    SIGNATURE = "signature"
    CERTIFICATE = "certificate"
    TIMESTAMP = "timestamp"
    ATTACHMENTS = "attachments"
    EVIDENCE = "evidence"
    LINES = "lines"
    PROOF = "proof"


class Outcome(StrEnum):
    """ABSENT: there is nothing to check; UNKNOWN: nobody was given who could vouch for it."""

    PASSED = "passed"
    FAILED = "failed"
    ABSENT = "absent"
    UNKNOWN = "unknown"


class Level(StrEnum):
    """How far a seal reaches (ETSI EN 319 142-1): signed, timestamped, provable years later."""

    NONE = "none"
    B_B = "PAdES-B-B"
    B_T = "PAdES-B-T"
    B_LT = "PAdES-B-LT"


class Check(NamedTuple):
    """One thing that was checked; `detail` is a sentence, `values` what it is about, by name.

    `sentence` is that of a failure before its values were filled in, to be translated.
    """

    subject: Subject
    outcome: Outcome
    detail: str
    values: Mapping[str, object] = {}
    sentence: str = ""


def failed(subject: Subject, sentence: str, **values: object) -> Check:
    """A check that did not hold: a sentence whose {names} are filled in by the values."""
    return Check(subject, Outcome.FAILED, sentence.format(**values), values, sentence)


class Verification(NamedTuple):
    """Everything that was checked, and the level that the seal was found to reach."""

    level: Level
    checks: tuple[Check, ...]

    @property
    def passed(self) -> bool:
        """Whether nothing failed."""
        return not any(each.outcome is Outcome.FAILED for each in self.checks)


def check_sums(document: Mapping[str, object], commitment: Commitment) -> None:
    """Raises EvidenceError unless every figure of the lines is the sum of its counts.

    `document` is the declaration's JSON. A figure of another type than it must have is wrong too.
    """
    lines = document.get("lines")
    if not isinstance(lines, Sequence) or not all(isinstance(each, Mapping) for each in lines):
        raise EvidenceError("the declaration has no lines")
    counts: defaultdict[object, list[Count]] = defaultdict(list)
    for each in commitment.counts:
        counts[each.product].append(each)
    stated = [line.get("product") for line in lines]
    if len(set(map(str, stated))) < len(stated):
        raise EvidenceError("a product has two lines")
    for product in counts:
        if product not in stated:
            raise EvidenceError(
                "the evidence counts {product}, of which there is no line", product=product
            )
    for line in lines:
        _check_line(line, counts[line.get("product")])
    totals = document.get("totals")
    states = [line.get("state") for line in lines]
    expected = {state: states.count(state) for state in ("compliant", "gap", "undetermined")}
    expected["missing"] = sum(line["missing"] or 0 for line in lines)
    if totals != expected:
        raise EvidenceError("the totals are not those of the lines: {figures}", figures=expected)


def _check_line(line: Mapping[str, object], counts: Sequence[Count]) -> None:
    product = line.get("product")
    by_share: defaultdict[Share, int] = defaultdict(int)
    for each in counts:
        by_share[each.share] += each.installs
    if line.get("entitled") != sum(_figure(line, f"entitled_{channel}") for channel in Channel):
        raise EvidenceError(
            "{product}: what is owned is not the sum of its channels", product=product
        )
    undetermined = by_share[Share.UNDETERMINED]
    if undetermined and len(counts) > 1:
        raise EvidenceError("{product} is both counted and undetermined", product=product)
    is_undetermined = line.get("missing") is None
    missing = by_share[Share.UNCOVERED]
    expected: dict[str, object] = {
        "installed": sum(by_share.values()),
        "missing": None if is_undetermined and (undetermined or not counts) else missing,
        "state": "undetermined" if is_undetermined else "gap" if missing else "compliant",
        "covered": [
            {"entitlement": each.entitlement, "right": each.right, "installs": each.installs}
            for each in counts
            if each.share is Share.COVERED
        ],
    }
    exempt = [
        {"exemption": each.entitlement, "installs": each.installs}
        for each in counts
        if each.share is Share.EXEMPT
    ]
    if exempt or ("exempt" in line and not is_undetermined):
        expected["exempt"] = exempt
    units = sum(each.units for each in counts)
    if line.get("required") is not None or units:
        expected["required"] = units
    if any(each.metric != line.get("metric") for each in counts):
        expected["metric"] = counts[0].metric
    if undetermined and not is_undetermined:
        expected["missing"] = None
    for name, figure in expected.items():
        found = line.get(name)
        if found != figure or isinstance(found, bool):
            raise EvidenceError(
                "{product}: {name} is {found}, and {figure} by the evidence",
                product=product,
                name=name,
                found=found,
                figure=figure,
            )


def _figure(line: Mapping[str, object], name: str) -> int:
    found = line.get(name)
    if not isinstance(found, int) or isinstance(found, bool) or found < 0:
        raise EvidenceError(
            "{product}: {name} is {found}, which is no count",
            product=line.get("product"),
            name=name,
            found=found,
        )
    return found
