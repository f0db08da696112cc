"""What gRPC imports for asynchronous callers stays unread until somebody wants it."""

import subprocess
import sys

import pytest

from quitus_agent.postponed import postponed


def in_a_fresh_process(program: str) -> str:
    """What it prints; modules that other tests loaded would hide what it loads."""
    done = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def test_speaking_to_the_collector_loads_nothing_asynchronous() -> None:
    program = (
        "import sys; from quitus_agent.wiring import _prepare_to_speak as prepare; prepare(); "
        "print([name for name in ('grpc', 'grpc.aio._call', 'asyncio.events') "
        "if name in sys.modules])"
    )

    assert in_a_fresh_process(program) == "['grpc']"


def test_what_was_postponed_works_when_it_is_wanted() -> None:
    program = (
        "from quitus_agent.wiring import _prepare_to_speak as prepare; prepare(); "
        "import asyncio, grpc; "
        "print(asyncio.run(asyncio.sleep(0, 'slept')), grpc.aio.insecure_channel.__name__)"
    )

    assert in_a_fresh_process(program) == "slept insecure_channel"


def test_a_module_that_is_not_there_is_missed_at_once() -> None:
    with postponed("no_such_module"), pytest.raises(ModuleNotFoundError):
        import no_such_module  # noqa: F401
