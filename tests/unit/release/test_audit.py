"""The audit of what is pinned: a known fault is told, and so is that nobody answered."""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from deploy.release import audit

FAULT = {
    "id": "PYSEC-2099-1",
    "aliases": ["CVE-2099-0001"],
    "fixed_in": ["1.1"],
    "withdrawn": None,
}


@contextmanager
def index(known: Mapping[str, object]) -> Iterator[str]:
    """One that answers for what is in `known`, by `name/version`, and 404 else."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = known.get(self.path.removeprefix("/pypi/").removesuffix("/json"))
            self.send_response(404 if found is None else 200)
            self.end_headers()
            self.wfile.write(json.dumps({"vulnerabilities": found}).encode())

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,)).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


@pytest.mark.parametrize("must_answer", [False, True])
def test_a_known_fault_is_named_and_one_that_was_withdrawn_is_not(*, must_answer: bool) -> None:
    withdrawn = FAULT | {"withdrawn": "2099-01-01"}
    with index({"a/1.0": [FAULT], "b/2.0": [withdrawn], "c/3.0": []}) as place:
        found = audit.audit({"a": "1.0", "b": "2.0", "c": "3.0"}, place)

    status, lines = audit.told(found, must_answer=must_answer)
    assert status == 1
    assert lines == [
        "a==1.0: PYSEC-2099-1 CVE-2099-0001, mended in 1.1",
        "1 known faults in 3 pins that the index answered for",
    ]


def test_without_a_fault_it_ends_well() -> None:
    with index({"a/1.0": []}) as place:
        found = audit.audit({"a": "1.0"}, place)

    assert audit.told(found, must_answer=True)[0] == 0


@pytest.mark.parametrize(("must_answer", "expected"), [(False, 0), (True, 3)])
def test_what_nobody_answers_for_is_told_and_is_no_clean_bill(
    expected: int, *, must_answer: bool
) -> None:
    """As a mirror of the index answers, which has packages and no advisories."""
    with index({}) as place:
        found = audit.audit({"a": "1.0"}, place)

    status, lines = audit.told(found, must_answer=must_answer)
    assert status == expected
    assert "NOT AUDITED: 1 pins" in lines[-1]


def test_an_index_that_is_away_is_told_too() -> None:
    many = {f"a{number}": "1.0" for number in range(100)}

    found = audit.audit(many, "http://127.0.0.1:1")

    assert len(found.unanswered) == 100
    assert all("gave no advisories" in each for each in found.unanswered.values())


def test_a_fault_beside_what_is_unanswered_is_still_one() -> None:
    with index({"a/1.0": [FAULT]}) as place:
        found = audit.audit({"a": "1.0", "b": "2.0"}, place)

    status, lines = audit.told(found, must_answer=False)
    assert status == 1
    assert lines[-1] == "  b==2.0"


def test_everything_that_is_shipped_is_asked_for() -> None:
    assert {"grpcio", "cryptography", "sqlalchemy", "pytest"} <= audit.pins().keys()
