"""A program's bill of materials, CycloneDX 1.6: the same sources and pins give the same bytes."""

import json
from datetime import UTC, datetime
from uuid import NAMESPACE_URL, uuid5

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output import make_outputter
from cyclonedx.schema import OutputFormat, SchemaVersion
from packageurl import PackageURL

from deploy.release import dependencies


def bill(program: str, version: str, made_at: int) -> str:
    """JSON; `made_at` is in seconds since 1970, of the sources rather than of the day."""
    factory = LicenseFactory()

    def component(name: str, number: str, licence: str, kind: ComponentType) -> Component:
        where = PackageURL("pypi", None, name, number)
        return Component(
            name=name,
            version=number,
            type=kind,
            bom_ref=str(where),
            purl=where,
            licenses=[factory.make_from_string(licence)],
        )

    found = dependencies.components(program)
    parts = {
        name: component(name, each.version, each.licence, ComponentType.LIBRARY)
        for name, each in found.items()
    }
    whole = component(f"quitus-{program}", version, "EUPL-1.2", ComponentType.APPLICATION)
    made = Bom(components=parts.values())
    made.metadata.component = whole
    made.metadata.timestamp = datetime.fromtimestamp(made_at, UTC)
    made.register_dependency(whole, [parts[each] for each in dependencies.direct(program)])
    for name, each in found.items():
        made.register_dependency(parts[name], [parts[need] for need in each.needs])
    listed = "".join(sorted(parts[name].bom_ref.value or "" for name in parts))
    made.serial_number = uuid5(NAMESPACE_URL, f"quitus-{program} {version} {made_at} {listed}")
    output = make_outputter(made, OutputFormat.JSON, SchemaVersion.V1_6).output_as_string()
    return json.dumps(json.loads(output), indent=1, ensure_ascii=False, sort_keys=True) + "\n"
