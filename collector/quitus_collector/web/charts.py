"""Charts as SVG that prints and that a screen reader reads: values in, markup out.

Colours and letters come from the style sheet, by class. Every chart has a title, and a page that
shows one has the same figures as a table.
"""

from collections.abc import Sequence
from typing import NamedTuple

from markupsafe import Markup, escape

WIDTH = 640
ROW, BAR, LABEL = 28, 14, 190


class Bar(NamedTuple):
    """A row of a bar chart; `parts` are lengths with the class that colours each."""

    label: str
    parts: Sequence[tuple[str, float]]
    said: str
    link: str = ""


def bars(title: str, rows: Sequence[Bar]) -> Markup:
    """Horizontal bars on one scale, the figures in words behind them."""
    longest = max((sum(length for _, length in row.parts) for row in rows), default=0) or 1
    room = WIDTH - LABEL - 120
    lines = [_bar(row, index * ROW, room / longest) for index, row in enumerate(rows)]
    height = max(len(rows), 1) * ROW
    return Markup(  # noqa: S704 - made of escaped parts
        f'<svg class="chart" role="group" aria-label="{escape(title)}" '
        f'viewBox="0 0 {WIDTH} {height}"><title>{escape(title)}</title>{"".join(lines)}</svg>'
    )


def _bar(row: Bar, top: int, scale: float) -> str:
    middle = top + ROW / 2
    at, pieces = float(LABEL), []
    for kind, length in row.parts:
        width = length * scale
        pieces.append(
            f'<rect class="{escape(kind)}" x="{at:.1f}" y="{middle - BAR / 2:.1f}" '
            f'width="{width:.1f}" height="{BAR}"/>'
        )
        at += width
    label = (
        f'<text x="{LABEL - 10}" y="{middle + 4:.1f}" text-anchor="end">'
        f"{escape(_short(row.label))}</text>"
    )
    said = f'<text class="value" x="{at + 8:.1f}" y="{middle + 4:.1f}">{escape(row.said)}</text>'
    title = f"<title>{escape(row.label)}: {escape(row.said)}</title>"
    content = f"<g>{title}{label}{''.join(pieces)}{said}</g>"
    return f'<a href="{escape(row.link)}">{content}</a>' if row.link else content


def _short(text: str, length: int = 26) -> str:
    return text if len(text) <= length else f"{text[: length - 1]}…"
