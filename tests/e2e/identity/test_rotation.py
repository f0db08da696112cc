"""The rotation drill: authority, root and server certificate replaced under a fleet's load."""

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from quitus_agent import enrolment, identity, keys, statement, transport, wire
from quitus_agent.join_token import JoinToken
from quitus_agent.spool import Accepted
from quitus_agent.wiring import read_token
from quitus_collector.adapters.authority import x509
from tests.fleet.sample import SampleDevice, fleet
from tests.programs import AgentFolder, CollectorFolder

pytestmark = pytest.mark.e2e
DEVICES = 50
# How long the fleet calls between one replacement and the next; `make soak` takes minutes.
CALM_S = float(os.environ.get("QUITUS_ROTATION_S", "2"))


class Device(threading.Thread):
    """Calls over and over, each time on a connection of its own, and keeps what it is told."""

    def __init__(
        self, port: int, token: JoinToken, sample: SampleDevice, stop: threading.Event
    ) -> None:
        super().__init__()
        self.known = enrolment.enrol("localhost", port, token, keys.new_key(), "sample")
        self.said = statement.make(sample.facts, sample.inventory, datetime.now(UTC))
        self.rows = {digest: each.source for digest, each in self.said.rows.items()}
        self.accepted = Accepted()
        self.stop = stop
        self.calls = 0
        self.failures: list[Exception] = []

    def run(self) -> None:
        while not self.stop.is_set():
            try:
                self.call()
            except Exception as error:
                self.failures.append(error)
            self.calls += 1
            self.stop.wait(0.5)

    def call(self) -> None:
        request = wire.report_request(self.said, self.accepted)
        request.trust_digest = identity.trust_digest(self.known)
        with transport.reporting(self.known) as send:
            answer = send(request)
        self.accepted = Accepted(request.digest, answer.receipt, self.rows)
        if answer.trust_roots:
            roots = keys.pem(list(answer.trust_roots))
            self.known = self.known._replace(trust_roots=roots)


def issuer_of(collector: CollectorFolder) -> x509.Authority:
    return x509.Authority(collector.home / "authority")


def test_issuer_root_and_server_certificate_are_replaced_without_a_failed_call(
    collector: CollectorFolder, agent: AgentFolder, tmp_path: Path
) -> None:
    settings = collector.home / "collector.toml"
    text = settings.read_text()
    settings.write_text(text.replace("# reports_per_hour = 60", "reports_per_hour = 100000"))
    token_file = collector.token_file("--uses", str(DEVICES + 1))
    token = read_token(token_file)
    stop = threading.Event()
    with collector.serving() as (port, _):
        with ThreadPoolExecutor(8) as pool:
            devices = list(pool.map(lambda each: Device(port, token, each, stop), fleet(DEVICES)))
        assert agent.enrol(port, token_file).status == 0
        for device in devices:
            device.start()
        try:
            steps = (
                ("authority", "renew"),
                ("authority", "replace", "prepare"),
                ("authority", "replace", "activate"),
                ("authority", "renew"),
            )
            for words in steps:
                time.sleep(CALM_S)
                if "activate" in words:
                    early = collector.run(*words)
                    assert early.status == 2
                    assert "have not heard of the next root" in early.err
                    # A device hears of it in one answer and says so in its next report.
                    assert [agent.run("report").status for _ in range(2)] == [0, 0]
                    until_told(collector, devices)
                before = issuer_of(collector).issuing_starts_at
                collector.ok(*words)
                assert "prepare" in words or issuer_of(collector).issuing_starts_at >= before
            time.sleep(CALM_S)
        finally:
            stop.set()
            for device in devices:
                device.join()
        newcomer = AgentFolder(tmp_path / "newcomer")
        void = newcomer.enrol(port, token_file)
        fresh = newcomer.enrol(port, collector.token_file())
        reported = agent.run("report")

    failures = [failure for device in devices for failure in device.failures]
    assert failures == []
    assert min(device.calls for device in devices) >= 2
    assert issuer_of(collector).active == "root-2"
    assert "is not the one this join token was made for" in void.err
    assert (fresh.status, reported.status) == (0, 0), (fresh, reported)
    collector.ok("audit", "verify")
    assert collector.log().count("certificates replaced") >= 4


def until_told(collector: CollectorFolder, devices: list[Device]) -> None:
    """Until every device of the fleet trusts the next root, and has said so."""
    while "not yet heard to trust" not in (said := collector.ok("authority", "show")) or (
        "0 devices not yet" not in said
    ):
        assert not any(device.failures for device in devices)


def test_the_root_key_may_be_away_and_encrypted(tmp_path: Path) -> None:
    collector = CollectorFolder(tmp_path / "collector")
    key, secret, wrong = (tmp_path / name for name in ("usb-root.key", "secret", "wrong"))
    secret.touch(0o600)
    wrong.touch(0o600)
    secret.write_text("correct horse\n")
    wrong.write_text("battery staple\n")
    apart = ("--root-key", str(key), "--passphrase-file")

    collector.ok("init", *apart, str(secret))
    without = collector.run("authority", "renew")
    mistaken = collector.run("authority", "renew", *apart, str(wrong))
    before = issuer_of(collector).issuing_starts_at
    done = collector.ok("authority", "renew", *apart, str(secret))

    assert key.stat().st_mode & 0o077 == 0
    assert b"ENCRYPTED" in key.read_bytes()
    assert not list((collector.home / "authority").glob("*.key"))
    assert "root.key: No such file" in without.err
    assert "the passphrase is not its own" in mistaken.err
    assert issuer_of(collector).issuing_starts_at >= before
    assert f"good until {datetime.now(UTC).year + 1}" in done
    with collector.serving() as (port, _):
        assert AgentFolder(tmp_path / "agent").enrol(port, collector.token_file()).status == 0


def test_a_key_of_another_root_renews_nothing(collector: CollectorFolder, tmp_path: Path) -> None:
    other = CollectorFolder(tmp_path / "other")
    other.ok("init")

    refused = collector.run(
        "authority", "renew", "--root-key", str(other.home / "authority/root.key")
    )

    assert refused.status == 2
    assert "is not the key of" in refused.err
    with collector.serving() as (port, _):
        assert AgentFolder(tmp_path / "agent").enrol(port, collector.token_file()).status == 0


def test_a_former_root_is_retired_once_nobody_shows_its_certificates(
    collector: CollectorFolder, agent: AgentFolder
) -> None:
    with collector.serving() as (port, _):
        assert agent.enrol(port, collector.token_file()).status == 0
        collector.ok("authority", "replace", "prepare")
        time.sleep(1.1)
        assert [agent.run("report").status for _ in range(2)] == [0, 0]
        collector.ok("authority", "replace", "activate")
        time.sleep(1.1)
        early = collector.run("authority", "replace", "retire")
        known = identity.load(agent.state)
        identity.save(agent.state, known._replace(renews_at=datetime.now(UTC)))
        assert agent.run("report").status == 0
        collector.ok("authority", "replace", "retire")
        time.sleep(1.1)
        reported = agent.run("report")

    assert "still show a certificate of a former issuer" in early.err
    assert reported.status == 0, reported
    assert identity.load(agent.state).trust_roots.count(b"BEGIN CERT") == 1
    assert not (collector.home / "authority/root.key").exists()
