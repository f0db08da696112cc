"""The agent beside Debian's two inventory agents: `make bench-agent` (Debian, root).

A scheduled run is promised in terms of the peer's local run and a handshake, which is measured
here with the device's own certificate.
"""

import argparse
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from quitus_agent import identity
from tests.bench.measure import Command, Ratio, in_turns, table, write
from tests.makers import regf
from tests.programs import COMMANDS, AgentFolder, CollectorFolder

SOFTWARE_ONLY = (
    "accesslog,antivirus,battery,bios,controller,cpu,database,drive,environment,firewall,input,"
    "licenseinfo,local_group,local_user,lvm,memory,modem,monitor,network,port,printer,process,"
    "provider,psu,registry,remote_mgmt,rudder,slot,sound,storage,usb,user,video,virtualmachine"
)
PEERS = ("fusioninventory-agent", "ocsinventory-agent")
HIVE_MB = 60


def main() -> int:
    """Measures and prints the table; the exit status tells whether every promise was kept."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder:
        return _measure(Path(folder), rounds)


def _measure(folder: Path, rounds: int) -> int:
    collector, agent = CollectorFolder(folder / "collector"), AgentFolder(folder / "agent")
    collector.ok("init")
    hive = large_hive(folder / "SOFTWARE")
    with collector.serving() as (enrolment, _):
        assert agent.enrol(enrolment, collector.token_file()).status == 0
        assert agent.run("report").status == 0
        quitus = str(COMMANDS / "quitus-agent")
        costs = in_turns(
            {
                "an empty Python program": Command([sys.executable, "-c", "pass"]),
                "import grpc": Command([sys.executable, "-c", "import grpc"]),
                "quitus-agent inventory": Command([quitus, "inventory"]),
                "quitus-agent report, unchanged": Command(
                    [quitus, "--state", str(agent.state), "report"]
                ),
                f"quitus-agent inventory --file (SOFTWARE hive of {HIVE_MB} MB)": Command(
                    [quitus, "inventory", "--file", str(hive), "--as", "windows-uninstall"]
                ),
                **_peers(folder),
            },
            rounds,
        )
        handshake_ms = _handshake_ms(agent.state, rounds)
    ours, report, hive_cost = (costs[name] for name in list(costs)[2:5])
    peer = costs["fusioninventory-agent, software only"]
    ratios = [
        Ratio("inventory, wall time", ours.wall_ms, peer.wall_ms, 1 / 4),
        Ratio("inventory, peak memory", ours.memory_mb, peer.memory_mb, 1 / 2),
        Ratio("whole report, less a handshake", report.wall_ms - handshake_ms, peer.wall_ms, 1 / 2),
        Ratio(f"hive of {HIVE_MB} MB, against 2 s", hive_cost.wall_ms, 2000, 1),
    ]
    packages = subprocess.run(
        ["dpkg-query", "-W"], check=True, capture_output=True, text=True
    ).stdout.count("\n")
    print(f"{rounds} rounds, {packages} packages, a handshake takes {handshake_ms:.1f} ms\n")
    print(table(costs), "", *ratios, sep="\n")
    file = write(
        "agent",
        {
            "rounds": rounds,
            "packages": packages,
            "handshake_ms": handshake_ms,
            "costs": {name: cost._asdict() for name, cost in costs.items()},
            "ratios": [each._asdict() for each in ratios],
        },
    )
    print(f"\nfigures in {file}")
    return 0 if all(each.ours <= each.limit * each.theirs for each in ratios) else 1


def large_hive(path: Path) -> Path:
    """A SOFTWARE hive as large as they get: 300 programs among many classes."""
    program = {"DisplayVersion": "1.0", "Publisher": "Éditeur", "UninstallString": "x" * 60}
    uninstall = {
        f"{{{number:08}}}": {"DisplayName": f"Programme {number}", **program}
        for number in range(300)
    }
    server = {
        "InprocServer32": {"": "C:\\Windows\\System32\\" + "x" * 40, "ThreadingModel": "Both"}
    }
    classes = {f"{{{number:032}}}": server for number in range(HIVE_MB * 1_000_000 // 480)}
    return regf.write(
        path,
        {
            "Classes": {"CLSID": classes},
            "Microsoft": {"Windows": {"CurrentVersion": {"Uninstall": uninstall}}},
        },
    )


def _peers(folder: Path) -> dict[str, Command]:
    outs = [folder / name for name in ("software-only", "full", "ocs")]
    for out in outs:
        out.mkdir()
    software, full, ocs = outs
    return {
        "fusioninventory-agent, software only": Command(
            [
                PEERS[0],
                f"--no-category={SOFTWARE_ONLY}",
                "--tasks=inventory",
                f"--local={software}",
            ],
            software,
        ),
        "fusioninventory-agent, full": Command([PEERS[0], f"--local={full}"], full),
        "ocsinventory-agent, full": Command([PEERS[1], f"--local={ocs}", "--force"], ocs),
    }


def _handshake_ms(state: Path, rounds: int) -> float:
    """A connection with mutual TLS up to its first bytes, in a process that has all it needs."""
    known = identity.load(state)
    certificate = state / "certificate.pem"
    certificate.write_bytes(known.private_key + known.certificate_chain)
    context = ssl.create_default_context(cadata=known.trust_roots.decode())
    context.load_cert_chain(certificate)
    context.set_alpn_protocols(["h2"])
    samples = []
    for _ in range(rounds):
        start = time.perf_counter()
        address = (known.collector_host, known.inventory_port)
        with (
            socket.create_connection(address) as plain,
            context.wrap_socket(plain, server_hostname=known.collector_host) as tls,
        ):
            tls.recv(1)
        samples.append((time.perf_counter() - start) * 1e3)
    return statistics.median(samples)


if __name__ == "__main__":
    sys.exit(main())
