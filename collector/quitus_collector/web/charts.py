"""Charts as SVG that prints and that a screen reader reads: values in, markup out.

Colours and letters come from the style sheet, by class. Every chart has a title, and a page that
shows one has the same figures as a table. They are narrow, so that a phone shows them whole.
"""

from collections.abc import Callable, Sequence
from datetime import date
from math import ceil, log10
from typing import NamedTuple

from markupsafe import Markup, escape

WIDTH = 480
# A bar has its label above it and its figure behind it.
ROW, BAR, VALUE = 44, 14, 120
HEIGHT, LEFT, RIGHT, ABOVE, BELOW = 200, 46, 12, 14, 24


class Bar(NamedTuple):
    """A row of a bar chart; `parts` are lengths with the class that colours each."""

    label: str
    parts: Sequence[tuple[str, float]]
    said: str
    link: str = ""


class Course(NamedTuple):
    """A line over time with the class that colours it, the oldest point first."""

    label: str
    kind: str
    points: Sequence[tuple[date, float]]


def bars(title: str, rows: Sequence[Bar]) -> Markup:
    """Horizontal bars on one scale, the figures in words behind them."""
    longest = max((sum(length for _, length in row.parts) for row in rows), default=0) or 1
    scale = (WIDTH - VALUE) / longest
    lines = "".join(_bar(row, index * ROW, scale) for index, row in enumerate(rows))
    return _svg(title, max(len(rows), 1) * ROW, lines)


def _bar(row: Bar, top: int, scale: float) -> str:
    at, pieces = 0.0, []
    for kind, length in row.parts:
        # What is there is seen, however little it is.
        width = max(length * scale, 2.0) if length else 0.0
        pieces.append(
            f'<rect class="{escape(kind)}" x="{at:.1f}" y="{top + 20}" '
            f'width="{width:.1f}" height="{BAR}"/>'
        )
        at += width
    label = f'<text x="0" y="{top + 14}">{escape(_short(row.label))}</text>'
    said = f'<text class="value" x="{at + 8:.1f}" y="{top + 31}">{escape(row.said)}</text>'
    title = f"<title>{escape(row.label)}: {escape(row.said)}</title>"
    content = f"<g>{title}{label}{''.join(pieces)}{said}</g>"
    return f'<a href="{escape(row.link)}">{content}</a>' if row.link else content


def lines(
    title: str, courses: Sequence[Course], value: Callable[[int], str], day: Callable[[date], str]
) -> Markup:
    """Lines over time from zero on; `value` and `day` put figures and days into words."""
    points = [point for course in courses for point in course.points]
    if not points:
        return Markup("")
    first, last = min(at for at, _ in points), max(at for at, _ in points)
    most = _round(max(number for _, number in points))
    span = (last - first).days

    def x(at: date) -> float:
        whole = WIDTH - LEFT - RIGHT
        return LEFT + (whole * (at - first).days / span if span else whole / 2)

    def y(number: float) -> float:
        return ABOVE + (HEIGHT - ABOVE - BELOW) * (1 - number / most)

    drawn = [_tick(y(number), value(round(number))) for number in (0, most / 2, most)]
    drawn += [
        f'<text class="tick" x="{x(at):.1f}" y="{HEIGHT - 6}" text-anchor="{anchor}">'
        f"{escape(day(at))}</text>"
        for at, anchor in ({first: "start", last: "end"} if span else {first: "middle"}).items()
    ]
    for course in courses:
        path = " ".join(f"{x(at):.1f},{y(number):.1f}" for at, number in course.points)
        drawn.append(f'<polyline class="curve {escape(course.kind)}" points="{path}"/>')
        drawn += [
            f'<circle class="{escape(course.kind)}" cx="{x(at):.1f}" cy="{y(number):.1f}" r="3">'
            f"<title>{escape(course.label)}, {escape(day(at))}: {escape(value(round(number)))}"
            "</title></circle>"
            for at, number in course.points
        ]
    return _svg(title, HEIGHT, "".join(drawn))


def _tick(y: float, said: str) -> str:
    return (
        f'<line class="axis" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        f'<text class="tick" x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{escape(said)}</text>'
    )


def _round(most: float) -> float:
    """The next number that is easily halved: 2, 4, 10, 20, 40, 100 and so on."""
    if most <= 2:
        return 2
    power = 10 ** (ceil(log10(most)) - 1)
    steps = (2, 3, 4, 5, 6, 8, 10) if power > 1 else (2, 4, 6, 8, 10)
    return float(next(step * power for step in steps if step * power >= most))


def _svg(title: str, height: int, content: str) -> Markup:
    return Markup(  # noqa: S704 - made of escaped parts
        f'<svg class="chart" role="group" aria-label="{escape(title)}" '
        f'viewBox="0 0 {WIDTH} {height}"><title>{escape(title)}</title>{content}</svg>'
    )


def _short(text: str, length: int = 66) -> str:
    return text if len(text) <= length else f"{text[: length - 1]}…"
