"""Declarations that were made before, read from their PDF or JSON."""

import json
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError

from quitus_collector.adapters.declaration.attachments import JSON
from quitus_collector.adapters.documents import complaint, read_bytes
from quitus_collector.domain.comparison import FIGURES, Stated, StatedLine
from quitus_collector.errors import UsageError

PERIMETER = ("entities", "enrolled", "reporting", "stale", "set_apart")


def _moment(text: str) -> str:
    if datetime.fromisoformat(text).tzinfo is None:
        raise ValueError("has no time zone")
    return text


class _Part(BaseModel):
    """What is compared is checked; the rest is what later versions add."""

    model_config = ConfigDict(extra="allow", strict=True, frozen=True)


class _Cover(_Part):
    entitlement: str
    right: str
    installs: int


class _Line(_Part):
    product: str
    label: str
    metric: str
    installed: int
    required: int | None
    entitled: int
    consumed: int | None
    missing: int | None
    state: str
    covered: list[_Cover]


class _Entitlement(_Part):
    id: str
    product: str


class _Reading(_Part):
    id: str
    reading: str


class _Publisher(_Part):
    id: str


class _Declaration(_Part):
    format: Literal["quitus-declaration/2"]
    publisher: _Publisher | None
    as_of: Annotated[str, AfterValidator(_moment)]
    lines: list[_Line]
    entitlements: list[_Entitlement]
    readings: list[_Reading]
    perimeter: dict[str, object]
    versions: dict[str, str]


class Made:
    """A declaration as its file has it."""

    def __init__(self, stated: Stated, as_of: datetime, publisher: str | None) -> None:
        """`publisher` is the addressee's id, None for all."""
        self.stated, self.as_of, self.publisher = stated, as_of, publisher


def read(path: Path) -> Made:
    """What a PDF or JSON states; raises UsageError naming it. Nothing is verified."""
    content = read_bytes(path)
    if content.startswith(b"%PDF-"):
        from quitus_collector.adapters.seal.pades_check import inside

        try:
            content = inside(content).files.get(JSON, b"")
        except ValueError as error:
            raise UsageError("{path}: {error}", path=path, error=error) from error
        if not content:
            raise UsageError("{path}: holds no {json}", path=path, json=JSON)
    return made_of(content, str(path))


def made_of(content: bytes, where: str) -> Made:
    """What the JSON of a declaration states; raises UsageError beginning with `where`."""
    try:
        found = _Declaration.model_validate(json.loads(content))
    except ValidationError as error:
        raise UsageError("{where}: {error}", where=where, error=complaint(error)) from error
    except (ValueError, RecursionError) as error:
        raise UsageError("{where}: is no declaration", where=where) from error
    as_of = datetime.fromisoformat(found.as_of)
    lines = {
        line.product: StatedLine(
            line.product,
            line.label,
            line.metric,
            {name: getattr(line, name) for name in FIGURES},
            tuple((c.entitlement, c.right, c.installs) for c in line.covered),
        )
        for line in found.lines
    }
    stated = Stated(
        as_of.date(),
        lines,
        {each.id: each.model_dump() for each in found.entitlements},
        {name: found.perimeter.get(name) for name in PERIMETER},
        {name: value for name, value in found.versions.items() if name != "catalogue"}
        | {each.id: each.reading for each in found.readings},
    )
    return Made(stated, as_of, found.publisher.id if found.publisher else None)
