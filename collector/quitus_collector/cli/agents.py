"""Commands on the agent that devices should have."""

import argparse
from pathlib import Path

from quitus_collector.adapters.terminal import device_pages
from quitus_collector.cli.arguments import OK, Commands, collector_of
from quitus_collector.domain.agent_version import by_version
from quitus_collector.errors import UsageError
from quitus_collector.services.reporting import list_devices
from quitus_collector.wiring import agents


def add(commands: Commands) -> None:
    """Adds this module's commands."""
    agent = commands.add_parser("agents", help="the agent that devices should have")
    actions = agent.add_subparsers(required=True, metavar="ACTION")
    offer = actions.add_parser("offer", help="tell devices of it, signed; they do not install it")
    offer.add_argument("version", metavar="VERSION", help="like 1.4.0")
    offer.add_argument("packages", nargs="+", type=Path, metavar="FILE", help="its packages")
    offer.add_argument(
        "--at",
        required=True,
        metavar="PLACE",
        help="where devices find those files: a web address, or a folder that is shared",
    )
    offer.add_argument(
        "--sums",
        type=Path,
        metavar="FILE",
        help="SHA256SUMS of the release, its signature beside it: only its packages are offered",
    )
    offer.add_argument(
        "--key", type=Path, metavar="FILE", help="with --sums: the public key of releases, PEM"
    )
    offer.set_defaults(command=_offer)
    show = actions.add_parser("show", help="which agents there are, and what they are told")
    show.set_defaults(command=_show)
    actions.add_parser("withdraw", help="tell them of none").set_defaults(command=_withdraw)


def _offer(arguments: argparse.Namespace) -> int:
    if (arguments.sums is None) != (arguments.key is None):
        raise UsageError("--sums and --key go together")
    released = (arguments.sums, arguments.key) if arguments.sums else None
    collector = collector_of(arguments)
    offered = agents.offer(collector, arguments.version, arguments.packages, arguments.at, released)
    device_pages.agent_offer(offered.version, _packages(offered))
    return OK


def _show(arguments: argparse.Namespace) -> int:
    collector = collector_of(arguments)
    device_pages.agents(by_version(each.agent_version for each in list_devices(collector.store)))
    if oldest := collector.config.oldest_agent:
        print(f"reports of agents older than {oldest} are refused")
    offered = agents.offered(collector)
    if offered is None:
        print("devices are told of no agent")
    else:
        device_pages.agent_offer(offered.version, _packages(offered))
    return OK


def _withdraw(arguments: argparse.Namespace) -> int:
    agents.withdraw(collector_of(arguments))
    print("devices are told of no agent any more")
    return OK


def _packages(offered: agents.Offer) -> list[tuple[str, int, str]]:
    return [(each.location, each.size_bytes, each.sha256.hex()) for each in offered.packages]
