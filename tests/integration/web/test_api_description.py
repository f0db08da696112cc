"""The API against its own description: calls made up from it find no answer that it lacks."""

from collections.abc import Iterator

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from quitus_collector.domain.account import Permission
from quitus_collector.web.api.calls import Throttle
from tests.api_programs import Program
from tests.console import POOLS, ConsoleHouse

# Of each call; the same ones every time.
EXAMPLES = 12
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsoleHouse]:
    made = ConsoleHouse(tmp_path_factory.mktemp("described") / "collector")
    api = next(each for each in made.app.routes if getattr(each, "name", "") == "api")
    api.app.state.throttle = Throttle(1_000_000)  # type: ignore[attr-defined]
    yield made
    made.close()


@pytest.fixture(scope="module")
def programs(office: ConsoleHouse) -> dict[str, Program]:
    """By scope."""
    made = {scope.value: Program(office, scope) for scope in Permission}
    made["edit"].post("imports", content=POOLS.read_bytes())
    office.work()
    return made


@pytest.fixture(scope="module")
def described(office: ConsoleHouse) -> schemathesis.BaseSchema:
    return schemathesis.openapi.from_asgi("/api/v1/openapi.json", office.app)


def try_out(operation: schemathesis.APIOperation, headers: dict[str, str]) -> str:
    """Calls it with made-up input; what was not as described."""

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        deadline=None,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def call(case: schemathesis.Case) -> None:
        case.call_and_validate(headers=headers, checks=CHECKS)

    try:
        call()
    except (Exception, BaseExceptionGroup) as error:
        return f"{operation.label}: {error}"
    return ""


def test_no_answer_is_a_fault_or_not_described(
    described: schemathesis.BaseSchema, programs: dict[str, Program]
) -> None:
    told, tried = [], 0
    for found in described.get_all_operations():
        operation = found.ok()
        (scope,) = operation.definition.raw["security"][0]["token"]
        told.append(try_out(operation, dict(programs[scope].headers)))
        tried += 1

    assert not [each for each in told if each]
    assert tried >= 50
