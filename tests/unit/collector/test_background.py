"""What is counted behind a page."""

from threading import Event

import pytest

from quitus_collector.errors import UsageError
from quitus_collector.wiring.background import KEPT, Background


def test_who_asks_early_is_told_to_come_again_and_it_is_counted_once() -> None:
    background, go_on, asked = Background(), Event(), []
    background.patience_s = 0.01

    def count() -> int:
        asked.append(1)
        go_on.wait(20)
        return 42

    assert background.get("question", count) is None
    assert background.get("question", count) is None
    go_on.set()
    background.patience_s = 20

    assert background.get("question", count) == 42
    assert asked == [1]


def test_what_failed_is_told_and_asked_again() -> None:
    background = Background()
    background.patience_s = 20

    def fail() -> None:
        raise UsageError("no such day")

    with pytest.raises(UsageError):
        background.get("question", fail)
    assert background.get("question", lambda: "now it works") == "now it works"


def test_old_answers_make_room() -> None:
    background = Background()
    background.patience_s = 20
    for number in range(KEPT + 1):
        background.get(number, lambda: "first")

    assert background.get(KEPT, lambda: "again") == "first"
    assert background.get(0, lambda: "again") == "again"
