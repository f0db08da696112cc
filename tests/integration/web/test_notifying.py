"""People are told by mail and programs by webhooks: by a real mail server and a real program."""

import email
import email.policy
import hmac
import json
import ssl
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from quitus_collector.adapters.webhooks import signature
from quitus_collector.domain.holding import NOBODY
from quitus_collector.domain.job import Job, JobState
from quitus_collector.wiring import notifying
from tests.builders import an_entitlement
from tests.console import ConsoleHouse
from tests.portal.authority import make
from tests.portal.post import Post, posting

# One house for all of them, on whichever core.
pytestmark = pytest.mark.xdist_group("notifying")
SECRET = b"a secret of a webhook"


class Program(ThreadingHTTPServer):
    """What a webhook tells; `status` is what it answers."""

    daemon_threads = True

    def __init__(self, context: ssl.SSLContext) -> None:
        super().__init__(("127.0.0.1", 0), Listener)
        self.socket = context.wrap_socket(self.socket, server_side=True)
        self.status = 204
        self.got: list[tuple[dict[str, str], bytes]] = []

    @property
    def address(self) -> str:
        return f"https://localhost:{self.server_address[1]}/quitus?key=1"


class Listener(BaseHTTPRequestHandler):
    server: Program  # type: ignore[assignment]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append((dict(self.headers), body))
        self.send_response(self.server.status)
        self.send_header("Location", self.server.address)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


class Hours:
    """A clock of a test's own."""

    def __init__(self, house: ConsoleHouse, monkeypatch: pytest.MonkeyPatch) -> None:
        clock = house.collector.clock
        self.at = datetime(2026, 6, 2, 9, tzinfo=house.collector.config.time_zone)
        monkeypatch.setattr(type(clock), "now", lambda _self: self.at)
        monkeypatch.setattr(type(clock), "today", lambda _self: self.at.date())

    def pass_by(self, **parts: int) -> None:
        self.at += timedelta(**parts)


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, Path]:
    folder = tmp_path_factory.mktemp("authority")
    return make(folder), folder / "ca.pem"


@pytest.fixture
def post(context: tuple[ssl.SSLContext, Path]) -> Iterator[Post]:
    with posting(context[0]) as server:
        yield server


@pytest.fixture
def program(context: tuple[ssl.SSLContext, Path]) -> Iterator[Program]:
    with Program(context[0]) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def house(
    tmp_path: Path, post: Post, program: Program, context: tuple[ssl.SSLContext, Path]
) -> Iterator[ConsoleHouse]:
    home = tmp_path / "collector"
    home.mkdir()
    (home / "collector.toml").write_text(f"""\
[listen]
names = ["localhost"]
[console.mail]
server = "localhost"
port = {post.server_address[1]}
encryption = "tls"
sender = "quitus@company.example"
recipients = ["dsi@company.example", "licences@company.example"]
user = "quitus"
password_file = "mail.secret"
authority = "ca.pem"
[[console.webhooks]]
name = "tickets"
address = "{program.address}"
secret_file = "hook.secret"
topics = ["expiry", "gap"]
authority = "ca.pem"
""")
    (home / "ca.pem").write_bytes(context[1].read_bytes())
    for name in ("mail.secret", "hook.secret"):
        (home / name).touch(0o600)
    (home / "mail.secret").write_text("mot de passe\n")
    (home / "hook.secret").write_bytes(SECRET + b"\n")
    made = ConsoleHouse(home)
    yield made
    made.close()


@pytest.fixture
def hours(house: ConsoleHouse, monkeypatch: pytest.MonkeyPatch) -> Hours:
    return Hours(house, monkeypatch)


def own(house: ConsoleHouse, name: str, ends: datetime) -> None:
    """A licence that ends then."""
    with house.collector.store.writing() as work:
        line = an_entitlement(name, "microsoft/project", valid_until=ends.date())
        work.entitlements.add(line, NOBODY)
    house.console.figures.expire()


def look(house: ConsoleHouse) -> int:
    queued = notifying.look(house.collector, house.console.figures.position().value)
    house.work()
    return queued


def read(message: bytes) -> tuple[EmailMessage, str]:
    parsed = email.message_from_bytes(message, policy=email.policy.default)
    assert isinstance(parsed, EmailMessage)
    return parsed, str(parsed.get_content())


def jobs(house: ConsoleHouse) -> list[Job]:
    with house.collector.store.reading() as work:
        return list(work.jobs.list())


def test_nothing_is_sent_where_there_is_nothing_to_tell(
    house: ConsoleHouse, hours: Hours, post: Post, program: Program
) -> None:
    assert look(house) == 0
    assert (post.messages, program.got, jobs(house)) == ([], [], [])


def test_what_is_new_is_one_message_a_day_in_french(
    house: ConsoleHouse, hours: Hours, post: Post
) -> None:
    own(house, "E-1", hours.at + timedelta(days=20))
    own(house, "E-2", hours.at + timedelta(days=5))

    look(house)
    own(house, "E-3", hours.at + timedelta(days=50))
    look(house)
    hours.pass_by(hours=24)
    look(house)
    hours.pass_by(hours=24)
    look(house)

    (first, text), (second, later) = map(read, post.messages)
    assert first["Subject"] == "Quitus : 2 points à voir"
    assert first["To"] == "dsi@company.example, licences@company.example"
    assert "Licences arrivant à terme" in text
    assert "microsoft/project : les licences E-1 prennent fin le 22 juin 2026." in text
    assert second["Subject"] == "Quitus : 1 point à voir"
    assert "E-3" in later
    assert "E-1" not in later


def test_no_message_goes_out_before_its_hour(house: ConsoleHouse, hours: Hours, post: Post) -> None:
    own(house, "E-1", hours.at + timedelta(days=20))
    hours.pass_by(hours=-3)

    look(house)
    assert post.messages == []
    hours.pass_by(hours=1)
    look(house)
    assert len(post.messages) == 1


def test_a_name_breaks_no_head_and_no_line(house: ConsoleHouse, hours: Hours, post: Post) -> None:
    own(house, "E\r\nBcc: all@evil.test\r\n\r\n\u202e", hours.at + timedelta(days=20))

    look(house)

    message, text = read(post.messages[0])
    assert message["Bcc"] is None
    assert "\u202e" not in text
    assert not [line for line in text.splitlines() if line.startswith("Bcc")]


def test_a_server_that_is_away_is_tried_again_and_nothing_is_lost(
    house: ConsoleHouse, hours: Hours, post: Post
) -> None:
    own(house, "E-1", hours.at + timedelta(days=20))
    post.said["MAIL"] = "451 later"

    look(house)
    assert post.messages == []
    house.work()
    post.said.clear()
    hours.pass_by(minutes=2)
    house.work()
    house.work()

    assert len(post.messages) == 1
    mails = [each for each in jobs(house) if each.kind == notifying.MAIL]
    assert {each.state for each in mails} == {JobState.DONE}
    assert len(mails) == 2


def test_who_never_takes_it_is_a_failed_job_that_says_so(
    house: ConsoleHouse, hours: Hours, post: Post
) -> None:
    own(house, "E-1", hours.at + timedelta(days=20))
    post.said["RCPT"] = "550 nobody here"

    look(house)
    for _ in notifying.WAITS:
        hours.pass_by(hours=7)
        house.work()

    failed = [each for each in jobs(house) if each.state is JobState.FAILED]
    assert len(failed) == 1
    assert "n’accepte aucun message pour dsi@company.example" in failed[0].failure


def test_a_program_is_told_once_signed_and_of_no_person(
    house: ConsoleHouse, hours: Hours, program: Program
) -> None:
    own(house, "E-1", hours.at + timedelta(days=20))
    own(house, "E-2", hours.at + timedelta(days=20))

    look(house)
    look(house)

    ((headers, body),) = program.got
    at, _, mac = headers["Quitus-Signature"].partition(",")
    expected = signature(SECRET, body, int(at.removeprefix("t=")))
    assert hmac.compare_digest(mac, f"v1={expected}")
    document = json.loads(body)
    assert document["event"] == "expiry"
    assert [each["entitlement"] for each in document["items"]] == ["E-1", "E-2"]
    assert set(document["items"][0]) == {"entitlement", "product", "what", "ends"}


@pytest.mark.parametrize("status", [301, 302, 307, 404, 500])
def test_every_answer_but_yes_is_tried_again_at_the_same_place(
    house: ConsoleHouse, hours: Hours, program: Program, status: int
) -> None:
    own(house, "E-1", hours.at + timedelta(days=20))
    program.status = status

    look(house)
    assert len(program.got) == 1
    program.status = 204
    hours.pass_by(minutes=2)
    house.work()

    first, again = program.got
    assert first[1] == again[1]
    assert first[0]["Quitus-Delivery"] == again[0]["Quitus-Delivery"]
    assert first[0]["Quitus-Signature"] != again[0]["Quitus-Signature"]


def test_what_begins_again_is_told_again(
    house: ConsoleHouse, hours: Hours, program: Program
) -> None:
    own(house, "E-1", hours.at + timedelta(days=20))
    look(house)
    own(house, "E-1", hours.at + timedelta(days=300))
    look(house)
    own(house, "E-1", hours.at + timedelta(days=20))
    look(house)

    assert len(program.got) == 2
