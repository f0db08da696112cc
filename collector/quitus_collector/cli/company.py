"""Commands on the company's own authorities, whose machine certificates let devices in."""

import argparse
import re
from pathlib import Path

from quitus_collector.adapters.terminal import device_pages
from quitus_collector.cli.arguments import OK, Commands, check_entity, collector_of, label
from quitus_collector.services import company_authorities
from quitus_collector.wiring import identity


def add(authority_actions: Commands) -> None:
    """Adds this module's commands below `authority`."""
    company = authority_actions.add_parser(
        "company",
        help="authorities of the company's own, whose machine certificates let devices in",
    )
    actions = company.add_subparsers(required=True, metavar="ACTION")
    add = actions.add_parser("add", help="let the machines of an authority in")
    add.add_argument("authority", metavar="ID", type=_id, help="what to call it here")
    add.add_argument("file", metavar="FILE", type=Path, help="its root certificate, PEM or DER")
    add.add_argument(
        "--names",
        type=label,
        default="*",
        metavar="PATTERN",
        help="only machines whose name matches, as in *.example.org",
    )
    add.add_argument("--entity", metavar="SIREN", help="the legal entity of these devices")
    add.add_argument(
        "--revocations",
        type=Path,
        nargs="+",
        default=[],
        metavar="FILE",
        help="revocation lists: from then on one of the issuer has to be there and in its time",
    )
    add.set_defaults(command=_add)
    actions.add_parser("list", help="all of them").set_defaults(command=_list)
    revocations = actions.add_parser("revocations", help="take newer revocation lists in")
    revocations.add_argument("authority", metavar="ID")
    revocations.add_argument("files", type=Path, nargs="+", metavar="FILE")
    revocations.set_defaults(command=_revocations)
    remove = actions.add_parser("remove", help="let nobody in by it; who is in stays")
    remove.add_argument("authority", metavar="ID")
    remove.set_defaults(command=_remove)


def _id(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,23}", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a word of at most 24 letters and digits")
    return text


def _add(arguments: argparse.Namespace) -> int:
    check_entity(arguments.entity)
    added = identity.trust_company(
        collector_of(arguments),
        arguments.authority,
        arguments.file,
        arguments.revocations,
        arguments.names,
        arguments.entity,
    )
    print(f"machines named {added.names} come in with a certificate of {added.id}")
    return OK


def _list(arguments: argparse.Namespace) -> int:
    device_pages.company_authorities(identity.list_company_authorities(collector_of(arguments)))
    return OK


def _revocations(arguments: argparse.Namespace) -> int:
    identity.set_revocations(collector_of(arguments), arguments.authority, arguments.files)
    print(f"the revocation lists of {arguments.authority} are replaced")
    return OK


def _remove(arguments: argparse.Namespace) -> int:
    collector = collector_of(arguments)
    company_authorities.distrust(
        collector.store, collector.clock, arguments.authority, actor=collector.actor
    )
    print(f"{arguments.authority} lets nobody in any more; devices that it let in stay")
    return OK
