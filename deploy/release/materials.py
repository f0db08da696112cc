"""Bills of materials, CycloneDX 1.6: the same sources and pins give the same bytes."""

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output import make_outputter
from cyclonedx.schema import OutputFormat, SchemaVersion
from packageurl import PackageURL

from deploy.release import dependencies
from deploy.windows.runtime import PYTHON


def bill(program: str, version: str, made_at: int) -> str:
    """Of a program, JSON; `made_at` is in seconds since 1970, of the sources, not of the day."""
    whole = _component(f"quitus-{program}", version, "EUPL-1.2", ComponentType.APPLICATION)
    return _written(whole, program, made_at, ())


def bill_of(file: Path, program: str | None, version: str, made_at: int) -> str:
    """Of one deliverable, named with its digest; it holds the libraries of `program`, or none."""
    kind = ComponentType.APPLICATION
    whole = _component(file.name, version, "EUPL-1.2", kind, hashlib.sha256(file.read_bytes()))
    # Elsewhere Python is the system's own.
    more = (_python(),) if file.suffix == ".msi" else ()
    return _written(whole, program, made_at, more)


def _written(
    whole: Component, program: str | None, made_at: int, more: tuple[Component, ...]
) -> str:
    found = dependencies.components(program) if program else {}
    parts = {
        name: _component(name, each.version, each.licence, ComponentType.LIBRARY)
        for name, each in found.items()
    }
    made = Bom(components=[*parts.values(), *more])
    made.metadata.component = whole
    made.metadata.timestamp = datetime.fromtimestamp(made_at, UTC)
    direct = dependencies.direct(program) if program else ()
    made.register_dependency(whole, [*(parts[each] for each in direct), *more])
    for name, each in found.items():
        made.register_dependency(parts[name], [parts[need] for need in each.needs])
    listed = "".join(sorted(each.bom_ref.value or "" for each in made.components))
    made.serial_number = uuid5(NAMESPACE_URL, f"{whole.name} {whole.version} {made_at} {listed}")
    output = make_outputter(made, OutputFormat.JSON, SchemaVersion.V1_6).output_as_string()
    return json.dumps(json.loads(output), indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def _component(
    name: str,
    version: str,
    licence: str,
    kind: ComponentType,
    digest: "hashlib._Hash | None" = None,
) -> Component:
    where = PackageURL("generic" if digest else "pypi", None, name, version)
    return Component(
        name=name,
        version=version,
        type=kind,
        bom_ref=str(where),
        purl=where,
        licenses=[LicenseFactory().make_from_string(licence)],
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=digest.hexdigest())] if digest else [],
    )


def _python() -> Component:
    where = PackageURL("generic", None, "python", PYTHON.version)
    return Component(
        name="python",
        version=PYTHON.version,
        type=ComponentType.PLATFORM,
        bom_ref=str(where),
        purl=where,
        licenses=[LicenseFactory().make_from_string("PSF-2.0")],
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=PYTHON.sha256)],
    )
