"""Fixtures and habits of the whole suite."""

import os
from collections.abc import Callable, Iterator

import pytest

from tests.capabilities import missing

# Programs under test say what the code says, whatever the developer's own language.
os.environ["LC_ALL"] = "C.UTF-8"
NOTHING_MAY_BE_SKIPPED = os.environ.get("CI") == "true"
LACKING = missing()


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skips what this machine cannot run; in continuous integration that is a failure."""
    for mark in item.iter_markers("needs"):
        (name,) = mark.args
        if name in LACKING:
            reason = f"this machine lacks {name}: {LACKING[name].untested}"
            if NOTHING_MAY_BE_SKIPPED:
                pytest.fail(reason)
            pytest.skip(reason)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Names what this machine lacked, so that a green run does not say more than it knows."""
    if not LACKING:
        terminalreporter.write_line("this machine lacks nothing that the tests use")
        return
    terminalreporter.section("not tested on this machine")
    for name, capability in LACKING.items():
        terminalreporter.write_line(f"{name}: {capability.untested}")
    terminalreporter.write_line("make test-all installs what a Debian or Ubuntu machine can")


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """The developer's own environment must not reach the programs under test."""
    for name in list(os.environ):
        if name.startswith(("QUITUS_AGENT_", "QUITUS_COLLECTOR_")):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Callable[[], str]]:
    """Makes empty databases on a PostgreSQL server of the tests' own, and gives their URLs."""
    from tests.postgresql import server

    with server() as started:
        yield started.database
