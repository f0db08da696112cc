"""When a scheduled run reports, and what it enrols with."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from unittest.mock import Mock

import pytest

from quitus_agent import config, scheduled, wiring
from quitus_agent.errors import AgentError, NotEnrolled

NOW = datetime(2026, 11, 23, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("ago", "interval_hours", "expected"),
    [
        (None, 24, True),
        # Runs come every hour, by and large: the nearest to the interval is the one that is due.
        (timedelta(hours=23, minutes=29), 24, False),
        (timedelta(hours=23, minutes=30), 24, True),
        (timedelta(minutes=30), 1, True),
        (timedelta(hours=167, minutes=30), 168, True),
        # The clock was wrong when it was accepted.
        (timedelta(days=-400), 24, True),
    ],
)
def test_a_report_is_due_after_its_interval(
    ago: timedelta | None, interval_hours: int, expected: bool
) -> None:
    accepted_at = None if ago is None else NOW - ago

    assert scheduled.is_due(accepted_at, NOW, interval_hours) is expected


def test_a_fleet_spreads_over_the_time_it_is_given_and_each_device_keeps_its_moment() -> None:
    moments = [scheduled.moment_s(f"PC-{number}", 60) for number in range(6000)]

    assert moments == [scheduled.moment_s(f"PC-{number}", 60) for number in range(6000)]
    assert all(0 <= moment < 3600 for moment in moments)
    a_minute = [sum(minute == moment // 60 for moment in moments) for minute in range(60)]
    assert max(a_minute) < 2 * len(moments) / 60
    assert scheduled.moment_s("PC-1", 0) == 0


def test_a_wide_spread_puts_no_report_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Looked at every hour, a device whose moment is late still reports once a day."""
    clock, reported = Clock(), list[datetime]()
    accepted = Mock(accepted=lambda: Mock(accepted_at=reported[-1] if reported else None))
    for name, stand_in in {
        "quitus_agent.identity.load": lambda _: Mock(device_id="PC-1"),
        "quitus_agent.scheduled.Spool": lambda *_: accepted,
        "quitus_agent.scheduled.datetime": Mock(now=lambda _: clock.now),
        "quitus_agent.scheduled.time": Mock(sleep=clock.sleep),
        "quitus_agent.scheduled.moment_s": lambda *_: 11 * 3600,
        "quitus_agent.scheduled.wiring.report": lambda *_, **__: reported.append(clock.now),
    }.items():
        monkeypatch.setattr(name, stand_in)
    settings = config.load(None, {"QUITUS_AGENT_STATE": str(tmp_path)}, {})

    for hour in range(24 * 5):
        # The scheduler starts none while one is under way.
        if clock.now <= (due := NOW + timedelta(hours=hour)):
            clock.now = due
            scheduled.report(settings)

    assert [later - earlier for earlier, later in pairwise(reported)] == [timedelta(days=1)] * 4


class Clock:
    """Time that passes where somebody sleeps."""

    now = NOW

    def sleep(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


def test_the_entity_picks_the_file_of_its_join_token() -> None:
    settings = config.load(
        None,
        {"QUITUS_AGENT_TOKEN_FILE": "/srv/{entity}.txt", "QUITUS_AGENT_ENTITY": "732829320"},
        {},
    )

    assert scheduled.token_path(settings) == Path("/srv/732829320.txt")
    assert scheduled.token_path(settings._replace(token_file="")) is None


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"QUITUS_AGENT_COLLECTOR": ""}, "which collector"),
        ({"QUITUS_AGENT_COLLECTOR": "localhost"}, "no join token was given"),
        (
            {"QUITUS_AGENT_COLLECTOR": "localhost", "QUITUS_AGENT_TOKEN_FILE": "/no/such/file"},
            "/no/such/file",
        ),
    ],
)
def test_status_tells_why_a_scheduled_run_could_not_enrol(
    tmp_path: Path, settings: dict[str, str], complaint: str
) -> None:
    state = tmp_path / "state"
    given = settings | {"QUITUS_AGENT_STATE": str(state), "QUITUS_AGENT_SPREAD_MINUTES": "0"}

    with pytest.raises(AgentError, match=complaint):
        scheduled.report(config.load(None, given, {}))

    with pytest.raises(NotEnrolled, match=f"last attempt .*{complaint}"):
        wiring.status(state)


def test_a_folder_that_cannot_be_made_does_not_hide_why_enrolment_failed() -> None:
    given = {
        # Not even root makes a folder there.
        "QUITUS_AGENT_STATE": "/proc/quitus/state",
        "QUITUS_AGENT_SPREAD_MINUTES": "0",
        "QUITUS_AGENT_COLLECTOR": "localhost",
    }

    with pytest.raises(AgentError, match="no join token was given"):
        scheduled.report(config.load(None, given, {}))
