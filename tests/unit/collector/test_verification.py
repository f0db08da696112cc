"""The figures of the lines are the sums of the counts, and any other figure is refused."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from quitus_collector.domain.evidence import EvidenceError
from quitus_collector.domain.verification import check_sums
from tests.makers.declarations import a_whole_declaration

DECLARATION, EVIDENCE = a_whole_declaration()
Doc = dict[str, Any]


def document() -> Doc:
    found: Doc = json.loads(json.dumps(DECLARATION.document()))
    return found


def test_the_lines_of_a_declaration_add_up() -> None:
    assert [line["state"] for line in document()["lines"]] == [
        "compliant",
        "gap",
        "compliant",
        "undetermined",
    ]

    check_sums(document(), EVIDENCE.commitment)


def of(number: int, **changes: object) -> Callable[[Doc], None]:
    return lambda found: found["lines"][number].update(changes)


def without_a_line(found: Doc) -> None:
    found["lines"].pop()


def twice_a_line(found: Doc) -> None:
    found["lines"].append(found["lines"][0])


def another_cover(found: Doc) -> None:
    found["lines"][0]["covered"][0]["entitlement"] = "VL-9"


def another_right(found: Doc) -> None:
    found["lines"][1]["covered"][0]["right"] = "direct"


def more_compliant(found: Doc) -> None:
    found["totals"]["compliant"] += 1


def less_missing(found: Doc) -> None:
    found["totals"]["missing"] -= 1


@pytest.mark.parametrize(
    "change",
    [
        of(0, installed=3),
        of(0, installed="2"),
        of(0, required=2),
        of(0, entitled=99),
        of(0, entitled_volume=1),
        of(0, entitled_oem=-1),
        of(0, required=None),
        of(0, missing=1),
        of(0, missing=None),
        of(0, missing=False),
        of(0, state="gap"),
        of(0, covered=[]),
        of(0, metric="core"),
        of(0, product="x/y"),
        of(1, missing=0, state="compliant"),
        of(1, state="undetermined", missing=None),
        of(3, missing=0, state="compliant"),
        of(3, required=4),
        of(3, installed=0),
        without_a_line,
        twice_a_line,
        another_cover,
        another_right,
        more_compliant,
        less_missing,
        lambda found: found.update(lines=None),
        lambda found: found.update(lines=[1]),
        lambda found: found.update(totals=None),
    ],
)
def test_any_other_figure_is_refused(change: Callable[[Doc], None]) -> None:
    found = document()
    change(found)

    with pytest.raises(EvidenceError):
        check_sums(found, EVIDENCE.commitment)
