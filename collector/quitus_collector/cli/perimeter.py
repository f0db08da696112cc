"""Commands on the perimeter: which devices count, as what, and for which legal entity."""

import argparse
from pathlib import Path

from quitus_collector.adapters.terminal import device_pages
from quitus_collector.cli.arguments import OK, Commands, collector_of, day, print_json
from quitus_collector.domain.perimeter import Exemption, LegalEntity, Role, Scope
from quitus_collector.services import perimeter
from quitus_collector.services.perimeter import PlacementLine
from quitus_collector.wiring import licensing


def add(commands: Commands) -> None:
    """Adds this module's commands."""
    command = commands.add_parser(
        "perimeter", help="which devices count, as what, and for which legal entity"
    )
    actions = command.add_subparsers(required=True, metavar="ACTION")
    place = actions.add_parser("place", help="say something of devices")
    place.add_argument("devices", nargs="+", metavar="DEVICE", help="its id or its name")
    place.add_argument("--entity", metavar="SIREN", help='its legal entity; "" as it enrolled')
    place.add_argument("--site", help="where it is")
    place.add_argument("--role", type=Role, choices=list(Role), help="what it is for")
    place.add_argument(
        "--scope",
        type=Scope,
        choices=list(Scope),
        help="whether it counts: retired ones are no more, excluded ones not concerned",
    )
    place.add_argument("--reason", help="why, or why it is silent; it is printed")
    place.set_defaults(command=_place)
    imported = actions.add_parser("import", help="say it of many, from a CSV file")
    imported.add_argument("file", type=Path, metavar="FILE.csv")
    imported.set_defaults(command=_import)
    listing = actions.add_parser("list", help="all that was said of devices")
    listing.add_argument("--format", choices=("table", "json"), default="table")
    listing.set_defaults(command=_list)
    _add_exemptions(actions)
    entity = actions.add_parser("entity", help="name a legal entity")
    entity.add_argument("siren", metavar="SIREN")
    entity.add_argument("name", metavar="NAME")
    entity.add_argument("--group", default="", help="the group that it belongs to")
    entity.set_defaults(command=_entity)


def _add_exemptions(actions: Commands) -> None:
    exempt = actions.add_parser("exempt", help="installs that need no licence on devices of a role")
    exempt.add_argument("id", metavar="ID", help="what to call the exemption")
    exempt.add_argument("product", metavar="PRODUCT", help="a publisher or product")
    exempt.add_argument("--role", type=Role, choices=list(Role), required=True)
    exempt.add_argument(
        "--evidence", required=True, help="the contract or document that grants it; it is printed"
    )
    exempt.add_argument("--from", dest="valid_from", type=day, metavar="DAY")
    exempt.add_argument("--until", dest="valid_until", type=day, metavar="DAY")
    exempt.set_defaults(command=_exempt)
    remove = actions.add_parser("remove-exemption", help="take an exemption away")
    remove.add_argument("id", metavar="ID")
    remove.set_defaults(command=_remove_exemption)


def _place(arguments: argparse.Namespace) -> int:
    collector = collector_of(arguments)
    said = {name: getattr(arguments, name) for name in ("entity", "site", "role", "scope")}
    lines = [PlacementLine(device, **said, reason=arguments.reason) for device in arguments.devices]
    changed = perimeter.place(collector.store, collector.clock, lines, actor=collector.actor)
    print(_changed(len(changed)))
    return OK


def _import(arguments: argparse.Namespace) -> int:
    changed = licensing.import_placements(collector_of(arguments), arguments.file)
    print(f"{arguments.file}: {_changed(len(changed))}")
    return OK


def _list(arguments: argparse.Namespace) -> int:
    collector = collector_of(arguments)
    placements = perimeter.list_placements(collector.store)
    with collector.store.reading() as work:
        exemptions, entities = work.decisions.exemptions(), work.decisions.entities()
    if arguments.format == "json":
        print_json(
            {
                "devices": [{"device": name} | each.document() for name, each in placements],
                "exemptions": [each.document() for each in exemptions],
                "entities": [
                    {"siren": each.siren, "name": each.name, "group": each.group}
                    for each in entities
                ],
            }
        )
    else:
        device_pages.perimeter(placements, exemptions, entities, collector.messages)
    return OK


def _exempt(arguments: argparse.Namespace) -> int:
    collector = collector_of(arguments)
    exemption = Exemption(
        arguments.id,
        arguments.product,
        arguments.role,
        arguments.evidence,
        arguments.valid_from,
        arguments.valid_until,
    )
    perimeter.add_exemption(
        collector.store, collector.catalogue, collector.clock, exemption, actor=collector.actor
    )
    print(f"{exemption.id}: installs of {exemption.product} on {exemption.role} devices are exempt")
    return OK


def _remove_exemption(arguments: argparse.Namespace) -> int:
    collector = collector_of(arguments)
    removed = perimeter.remove_exemption(
        collector.store, collector.clock, arguments.id, actor=collector.actor
    )
    print(f"{removed.id} is removed: {removed.product} on {removed.role} devices")
    return OK


def _entity(arguments: argparse.Namespace) -> int:
    collector = collector_of(arguments)
    siren = arguments.siren.replace(" ", "")
    entity = LegalEntity(siren, arguments.name, arguments.group)
    perimeter.name_entity(collector.store, collector.clock, entity, actor=collector.actor)
    print(f"{entity.siren} is {entity.name}")
    return OK


def _changed(count: int) -> str:
    return f"{count} device{'' if count == 1 else 's'} changed"
