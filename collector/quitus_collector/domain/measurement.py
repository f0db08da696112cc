"""What is kept of each day, to be drawn over time."""

from dataclasses import dataclass
from datetime import date

from quitus_collector.domain.position import LineState, Position


@dataclass(frozen=True, slots=True)
class Measurement:
    """The figures of a day's position.

    `enrolled` and `reporting` are devices, as in Perimeter. `missing` are installs that nothing
    covers; `gaps` and `undetermined` are lines. `unknown` are names that no rule knows.
    """

    day: date
    enrolled: int
    reporting: int
    missing: int
    gaps: int
    undetermined: int
    unknown: int


def measure(position: Position, day: date) -> Measurement:
    """What is kept of a position."""
    states = [line.state for line in position.lines]
    return Measurement(
        day=day,
        enrolled=position.perimeter.enrolled,
        reporting=position.perimeter.reporting,
        missing=sum(line.missing or 0 for line in position.lines),
        gaps=states.count(LineState.GAP),
        undetermined=states.count(LineState.UNDETERMINED),
        unknown=len(position.unknown),
    )
