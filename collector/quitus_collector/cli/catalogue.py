"""Commands on the catalogue: recognise, check, bundles, and what no rule knows."""

import argparse
import sys
from difflib import get_close_matches
from functools import partial
from pathlib import Path

from quitus_collector.adapters.catalogue import bundle as catalogue_bundle
from quitus_collector.adapters.catalogue import recognising
from quitus_collector.adapters.catalogue.own_rules import Ruling
from quitus_collector.adapters.terminal import catalogue_pages
from quitus_collector.cli.arguments import (
    OK,
    Commands,
    collector_of,
    print_json,
)
from quitus_collector.domain.catalogue_check import problems
from quitus_collector.domain.catalogue_diff import differences
from quitus_collector.domain.product import is_valid_line
from quitus_collector.domain.recognition import SoftwareClass
from quitus_collector.errors import CatalogueError, UsageError
from quitus_collector.wiring import licensing
from quitus_collector.wiring.collector import UPDATED_RULES, catalogue_of

# What a person may decide; what nobody knows stays unknown by itself.
DECISIONS = tuple(each.value for each in SoftwareClass if each is not SoftwareClass.UNKNOWN)


def add(commands: Commands) -> None:
    """Adds this module's commands."""
    recognise = commands.add_parser(
        "recognise", help="say of raw records what they are: JSON lines in, JSON lines out"
    )
    recognise.add_argument(
        "file", type=Path, nargs="?", metavar="FILE", help="default: standard input"
    )
    recognise.set_defaults(command=_recognise)

    catalogue = commands.add_parser("catalogue", help="the rules that recognise products")
    catalogue_actions = catalogue.add_subparsers(required=True, metavar="ACTION")
    check = catalogue_actions.add_parser("check", help="refuse contradictions, dead rules, circles")
    check.add_argument(
        "folder", type=Path, nargs="?", metavar="FOLDER", help="default: the rules in use"
    )
    check.set_defaults(command=_catalogue_check)
    show = catalogue_actions.add_parser(
        "show", help="what is known: in sum, of a publisher, of a product"
    )
    show.add_argument("id", nargs="?", metavar="PUBLISHER|PRODUCT")
    show.set_defaults(command=_catalogue_show)
    pack = catalogue_actions.add_parser("pack", help="make a signed bundle of a folder of rules")
    pack.add_argument("folder", type=Path, metavar="FOLDER")
    pack.add_argument("--key", type=Path, required=True, metavar="PRIVATE.pem", help="Ed25519")
    pack.add_argument("--out", type=Path, required=True, metavar="BUNDLE")
    pack.set_defaults(command=_catalogue_pack)
    update = catalogue_actions.add_parser("update", help="take in a signed bundle; no network")
    update.add_argument("bundle", type=Path, metavar="BUNDLE")
    update.add_argument("--key", type=Path, required=True, metavar="PUBLIC.pem")
    update.set_defaults(command=_catalogue_update)

    triage = commands.add_parser("triage", help="what no rule knows, and your decisions on it")
    actions = triage.add_subparsers(required=True, metavar="ACTION")
    listing = actions.add_parser("list", help="groups of names, those on most devices first")
    listing.add_argument("--format", choices=("table", "json"), default="table")
    listing.set_defaults(command=_triage_list)
    decide = actions.add_parser("decide", help="make a rule of your own for a group")
    decide.add_argument("name", metavar="NAME", help="the group's, or any name in it")
    decide.add_argument(
        "--as", dest="software_class", required=True, choices=DECISIONS, metavar="CLASS"
    )
    decide.add_argument("--product", default="", metavar="PUBLISHER/FAMILY")
    decide.add_argument("--label", default="", help="the product's name (default: the group's)")
    decide.add_argument("--preview", action="store_true", help="show what it would change only")
    decide.set_defaults(command=_triage_decide)

    diff = catalogue_actions.add_parser("diff", help="what changed since another version")
    diff.add_argument("old", type=Path, metavar="OLD")
    diff.add_argument("new", type=Path, nargs="?", metavar="NEW", help="default: the rules in use")
    diff.set_defaults(command=_catalogue_diff)


def _recognise(arguments: argparse.Namespace) -> int:
    load = partial(catalogue_of, arguments.home)
    file = arguments.file or "standard input"
    try:
        with arguments.file.open(encoding="utf-8") if arguments.file else sys.stdin as lines:
            sys.stdout.writelines(recognising.answers(lines, load))
    except UnicodeDecodeError as error:
        raise UsageError(f"{file}: is not UTF-8 text") from error
    except FileNotFoundError as error:
        raise UsageError(f"{file}: {error.strerror}") from error
    except UsageError as error:
        raise UsageError(f"{file}: {error}") from error
    return OK


def _catalogue_check(arguments: argparse.Namespace) -> int:
    catalogue = catalogue_of(arguments.home, arguments.folder)
    found = sorted(set(problems(catalogue)))
    for problem in found:
        print(problem, file=sys.stderr)
    if found:
        raise CatalogueError(f"the catalogue has {len(found)} faults")
    print(
        f"{len(catalogue.publishers)} publishers, {len(catalogue.products)} products, "
        f"{len(catalogue.rules)} rules: nothing to complain of"
    )
    return OK


def _catalogue_show(arguments: argparse.Namespace) -> int:
    catalogue = catalogue_of(arguments.home)
    known = {*catalogue.products, *catalogue.publishers}
    if arguments.id and arguments.id not in known:
        close = get_close_matches(arguments.id, known, n=1)
        hint = f"; did you mean {close[0]}?" if close else ""
        raise UsageError(f"the catalogue has no publisher or product {arguments.id!r}{hint}")
    catalogue_pages.catalogue(catalogue, arguments.id)
    return OK


def _catalogue_diff(arguments: argparse.Namespace) -> int:
    old = catalogue_of(arguments.home, arguments.old)
    new = catalogue_of(arguments.home, arguments.new)
    for sentence in differences(old, new):
        print(sentence)
    return OK


def _catalogue_pack(arguments: argparse.Namespace) -> int:
    version = catalogue_bundle.pack(arguments.folder, arguments.key, arguments.out)
    print(f"{arguments.out}: catalogue version {version}")
    return OK


def _catalogue_update(arguments: argparse.Namespace) -> int:
    folder = arguments.home / UPDATED_RULES
    version = catalogue_bundle.unpack(arguments.bundle, arguments.key, folder)
    print(f"the catalogue of {arguments.home} is version {version}")
    return OK


def _triage_list(arguments: argparse.Namespace) -> int:
    collector = collector_of(arguments)
    found = licensing.triage(collector)
    if arguments.format == "json":
        print_json([each.document() for each in found])
    else:
        catalogue_pages.triage(found, collector.messages)
    return OK


def _triage_decide(arguments: argparse.Namespace) -> int:
    if arguments.product and not is_valid_line(arguments.product):
        raise UsageError(f"{arguments.product!r} is not publisher/family[/edition]")
    collector = collector_of(arguments)
    named = [
        each for each in licensing.triage(collector) if arguments.name in (each.stem, *each.names)
    ]
    if not named:
        raise UsageError(f"no unknown name is {arguments.name!r}")
    ruling = Ruling(
        named[0].stem,
        named[0].publisher,
        SoftwareClass(arguments.software_class),
        arguments.product,
        arguments.label,
    )
    for install, answer in licensing.preview(collector, ruling):
        print(f"{install.name}: {answer.product or answer.software_class.value}")
    if not arguments.preview:
        print(f"the rule is in {licensing.decide(collector, ruling)}")
    return OK
