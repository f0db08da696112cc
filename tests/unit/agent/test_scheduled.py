"""When a scheduled run reports, and what it enrols with."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from quitus_agent import config, scheduled, wiring
from quitus_agent.errors import AgentError, NotEnrolled

NOW = datetime(2026, 11, 23, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("ago", "interval_hours", "expected"),
    [
        (None, 24, True),
        (timedelta(hours=22, minutes=59), 24, False),
        # Runs come every hour: one that is due within the next is due now, or days would drift.
        (timedelta(hours=23), 24, True),
        (timedelta(minutes=1), 1, True),
        (timedelta(hours=167), 168, True),
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
