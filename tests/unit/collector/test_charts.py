"""Charts as markup: escaped, titled, on scales that are easily read."""

from datetime import date
from xml.etree import ElementTree

import pytest

from quitus_collector.web import charts
from quitus_collector.web.charts import Bar, Course

MONDAY, SUNDAY = date(2026, 11, 23), date(2026, 11, 29)


def drawn(course: Course) -> ElementTree.Element:
    return ElementTree.fromstring(charts.lines("t", [course], str, date.isoformat))


def texts(chart: ElementTree.Element) -> list[str]:
    return [each.text or "" for each in chart.iter("text")]


def test_what_an_inventory_calls_itself_is_text_in_a_chart() -> None:
    hostile = '<script>alert("x")</script>'

    chart = ElementTree.fromstring(
        charts.bars(hostile, [Bar(hostile, [("gap", 3)], hostile, 'x" onload="y')])
    )

    assert {each.tag for each in chart.iter()} <= {"svg", "title", "a", "g", "text", "rect"}
    assert texts(chart) == [hostile, hostile]
    assert chart.find("a").attrib == {"href": 'x" onload="y'}  # type: ignore[union-attr]


def test_a_bar_is_as_long_as_its_figure_and_never_invisible() -> None:
    chart = charts.bars("t", [Bar("a", [("gap", 100_000)], "many"), Bar("b", [("gap", 1)], "one")])

    widths = [float(each.attrib["width"]) for each in ElementTree.fromstring(chart).iter("rect")]

    assert widths == [charts.WIDTH - charts.VALUE, 2.0]


@pytest.mark.parametrize(
    ("most", "ticks"),
    [
        (0, ["0", "1", "2"]),
        (3, ["0", "2", "4"]),
        (241, ["0", "150", "300"]),
        (100_000, ["0", "50000", "100000"]),
    ],
)
def test_a_scale_ends_at_a_number_that_is_easily_halved(most: int, ticks: list[str]) -> None:
    chart = drawn(Course("missing", "bad", [(MONDAY, most), (SUNDAY, 0)]))

    assert texts(chart) == [*ticks, "2026-11-23", "2026-11-29"]


def test_a_single_day_is_a_point_with_its_day() -> None:
    chart = drawn(Course("missing", "bad", [(MONDAY, 5)]))

    assert texts(chart)[3:] == ["2026-11-23"]
    assert len(list(chart.iter("circle"))) == 1


def test_no_days_are_no_chart() -> None:
    assert charts.lines("t", [Course("missing", "bad", [])], str, date.isoformat) == ""
