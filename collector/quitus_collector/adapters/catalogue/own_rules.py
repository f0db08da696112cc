"""The customer's decisions, written as rules in the format of the catalogue."""

import json
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

from quitus_collector.adapters.catalogue import files as catalogue_files
from quitus_collector.domain.catalogue import Catalogue
from quitus_collector.domain.plain_names import plain_publisher
from quitus_collector.domain.recognition import SoftwareClass
from quitus_collector.domain.triage import pattern_of
from quitus_collector.errors import UsageError

_NOT_IN_IDS = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True)
class Ruling:
    """What a group of names is: a product with its name, or nothing to count by itself."""

    stem: str
    publisher: str
    software_class: SoftwareClass
    product: str = ""
    label: str = ""


def preview(ruling: Ruling, own: Path) -> Catalogue:
    """The catalogue as it would be with the decision; writes nothing that stays."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        for path in own.glob("*.toml") if own.is_dir() else ():
            (copy / path.name).write_bytes(path.read_bytes())
        write(ruling, copy)
        return catalogue_files.load(own=copy)


def write(ruling: Ruling, own: Path) -> Path:
    """Adds the decision to the publisher's file of decisions, and returns the file.

    Raises UsageError where the decision cannot be a rule.
    """
    counted = ruling.software_class in (SoftwareClass.COMMERCIAL, SoftwareClass.FREE)
    if counted != bool(ruling.product):
        raise UsageError("commercial and free name a product; component and update name none")
    seller = ruling.product.partition("/")[0]
    raw = _slug(plain_publisher(ruling.publisher)) or "nobody"
    path = own / f"decided-{seller or 'parts'}-{raw}.toml"
    own.mkdir(parents=True, exist_ok=True)
    text = path.read_text(encoding="utf-8") if path.exists() else _head(ruling, seller or raw)
    path.write_text(f"{text}\n{_entry(ruling)}", encoding="utf-8")
    return path


def _head(ruling: Ruling, publisher: str) -> str:
    lines = [
        f"publisher = {_quoted(publisher)}",
        f"label = {_quoted(ruling.publisher or publisher)}",
    ]
    if ruling.publisher:
        lines.append(f"known_as = [{_quoted(ruling.publisher)}]")
    return "\n".join([*lines, ""])


def _entry(ruling: Ruling) -> str:
    names = f"names = [{_quoted(pattern_of(ruling.stem))}]"
    software_class = f"class = {_quoted(ruling.software_class.value)}"
    if ruling.product:
        label = _quoted(ruling.label or ruling.stem)
        id_ = _quoted(ruling.product)
        return f"[[product]]\nid = {id_}\nlabel = {label}\n{software_class}\n{names}\n"
    return f"[[other]]\nid = {_quoted(_slug(ruling.stem))}\n{software_class}\n{names}\n"


def _slug(text: str) -> str:
    return _NOT_IN_IDS.sub("-", text.lower()).strip("-")


def _quoted(text: str) -> str:
    """A TOML basic string: JSON's escapes are among TOML's."""
    return json.dumps(text, ensure_ascii=False)
