"""Why two declarations differ, line by line."""

from dataclasses import replace
from datetime import date

from quitus_collector.domain.comparison import (
    Change,
    Cover,
    Difference,
    Explained,
    Reason,
    Stated,
    StatedLine,
    compare,
)

DAY = date(2026, 6, 30)


def a_line(product: str, installed: int = 3, missing: int = 0, *covered: Cover) -> StatedLine:
    figures: dict[str, int | str | None] = {
        "installed": installed,
        "required": installed,
        "entitled": 3,
        "consumed": installed - missing,
        "missing": missing,
        "state": "gap" if missing else "compliant",
    }
    return StatedLine(product, product.upper(), "device", figures, covered)


def stated(*lines: StatedLine, as_of: date = DAY, **entitlements: dict[str, object]) -> Stated:
    return Stated(as_of, {line.product: line for line in lines}, entitlements)


def only(found: tuple[Difference, ...]) -> Difference:
    (difference,) = found
    return difference


def test_the_same_lines_do_not_differ() -> None:
    one = stated(a_line("a/b"), E={"product": "a/b", "quantity": 3})

    assert compare(one, replace(one, perimeter={"enrolled": 4}, rules={"quitus": "2"})) == ()


def test_installs_that_came_are_the_reason() -> None:
    found = only(compare(stated(a_line("a/b", 3)), stated(a_line("a/b", 4, 1))))

    assert found.label == "A/B"
    assert found.changes == (
        Change("installed", 3, 4),
        Change("required", 3, 4),
        Change("missing", 0, 1),
        Change("state", "compliant", "gap"),
    )
    assert found.reasons == (Explained(Reason.INSTALLS),)


def test_devices_that_came_may_be_why_there_are_other_installs() -> None:
    before = replace(stated(a_line("a/b", 3)), perimeter={"enrolled": 3, "stale": 0})
    after = replace(stated(a_line("a/b", 4, 1)), perimeter={"enrolled": 4, "stale": 0})

    assert only(compare(before, after)).reasons == (
        Explained(Reason.INSTALLS),
        Explained(Reason.PERIMETER, ("enrolled",)),
    )


def test_a_licence_that_was_bought_is_named() -> None:
    before = stated(a_line("a/b", 3, 1), a_line("c/d"))
    after = stated(a_line("a/b", 3, 0), a_line("c/d"), E7={"product": "a/b", "quantity": 1})

    assert only(compare(before, after)).reasons == (Explained(Reason.ENTITLEMENTS, ("E7",)),)


def test_a_licence_of_another_product_that_covers_the_line_is_named() -> None:
    cover = ("E1", "downgrade", 3)
    before = stated(a_line("a/b@1", 3, 0, cover), E1={"product": "a/b@2", "quantity": 3})
    after = stated(a_line("a/b@1", 3, 3), E1={"product": "a/b@2", "quantity": 0})

    found = only(compare(before, after))

    assert found.reasons == (Explained(Reason.ENTITLEMENTS, ("E1",)),)
    assert found.changes[-1] == Change("covered", 3, 0, "E1", "downgrade")


def test_a_licence_that_ended_in_between_is_named() -> None:
    ends: dict[str, object] = {"product": "a/b", "valid_until": "2026-12-31"}
    before = stated(a_line("a/b"), E1=ends)
    after = stated(a_line("a/b", 3, 3), as_of=date(2027, 1, 1), E1=ends)

    assert only(compare(before, after)).reasons == (Explained(Reason.DAY, ("E1",)),)


def test_licences_that_another_line_took_are_told_from_licences_that_went() -> None:
    owned: dict[str, object] = {"product": "a/b@2", "quantity": 3}
    before = stated(a_line("a/b@1", 3, 0, ("E1", "downgrade", 3)), a_line("a/b@2", 0), E1=owned)
    after = stated(
        a_line("a/b@1", 3, 2, ("E1", "downgrade", 1)),
        a_line("a/b@2", 2, 0, ("E1", "direct", 2)),
        E1=owned,
    )

    found = {each.product: each.reasons for each in compare(before, after)}

    assert found == {
        "a/b@1": (Explained(Reason.COMPETITION, ("a/b@2",)),),
        "a/b@2": (Explained(Reason.INSTALLS), Explained(Reason.COMPETITION, ("a/b@1",))),
    }


def test_other_rules_are_said_by_what_they_are_of() -> None:
    before = replace(stated(a_line("a/b")), rules={"catalogue_sha256": "ab", "quitus": "1"})
    after = replace(stated(), rules={"catalogue_sha256": "cd", "quitus": "1"})

    found = only(compare(before, after))

    assert found.label == "A/B"
    assert found.reasons[0] == Explained(Reason.RULES, ("catalogue_sha256",))
    assert found.changes[1] == Change("installed", 3, None)


def test_what_nothing_explains_is_not_explained_away() -> None:
    found = only(compare(stated(a_line("a/b", 3, 0)), stated(a_line("a/b", 3, 1))))

    assert found.reasons == (Explained(Reason.NONE),)
