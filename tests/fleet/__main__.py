"""Enrols a sample fleet and has it report: real keys, real mutual TLS, the agent's own code."""

import argparse
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

from quitus_agent import config, enrolment, errors, keys, pseudonyms, statement, transport, wire
from quitus_agent.join_token import JoinToken
from quitus_agent.spool import Accepted
from quitus_agent.wiring import read_token
from tests.fleet.sample import SampleDevice, fleet


def join(address: tuple[str, int], token: JoinToken, device: SampleDevice) -> int:
    """Enrols one device and sends its inventory; returns how many installs the collector holds."""
    known = enrolment.enrol(*address, token, keys.new_key(), device.facts.hostname)
    user = pseudonyms.of_user(device.user, known.pseudonym_key)
    said = statement.make(device.facts, device.inventory, datetime.now(UTC), user)
    with transport.reporting(known) as send:
        return send(wire.report_request(said, Accepted())).installs


def main() -> int:
    """Reports a fleet, several devices at a time, and says how far it is."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--collector", required=True, type=config.parse_address)
    parser.add_argument("--token-file", required=True, type=Path, help="admits the whole fleet")
    parser.add_argument("--devices", type=int, default=200)
    parser.add_argument("--skip", type=int, default=0, help="leave out the first devices")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    try:
        token = read_token(arguments.token_file)
        devices = list(fleet(arguments.skip + arguments.devices, arguments.seed))
        installs = 0
        with ThreadPoolExecutor(max_workers=4) as pool:
            joined = pool.map(
                lambda device: join(arguments.collector, token, device), devices[arguments.skip :]
            )
            for count, held in enumerate(joined, start=1):
                installs += held
                if count % 50 == 0 or count == arguments.devices:
                    print(f"  {count} devices, {installs} installs", flush=True)
    except errors.AgentError as error:
        print(f"fleet: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
