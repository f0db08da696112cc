"""The catalogue's TOML files, one per publisher, read into the domain's Catalogue."""

import hashlib
import re
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, ValidationError, model_validator

from quitus_collector.adapters.documents import Model, complaint, read_text
from quitus_collector.domain.catalogue import (
    Build,
    Catalogue,
    Product,
    Rule,
    SoftwareClass,
    is_valid_line,
    plain_publisher,
)
from quitus_collector.domain.entitlement import Metric
from quitus_collector.errors import CatalogueError, UsageError

SHIPPED = Path(__file__).parents[1] / "catalogue"


def _compiles(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"{text!r} is not a pattern: {error.msg}") from error
    return text


Pattern = Annotated[str, AfterValidator(_compiles)]
# TOML has texts where the domain has enumerations.
ClassName = Annotated[SoftwareClass, Field(strict=False)]
MetricName = Annotated[Metric, Field(strict=False)]


class BuildEntry(Model):
    """A range of builds under other terms than the product's."""

    software_class: ClassName = Field(alias="class")
    since: str = ""
    below: str = ""


class OtherEntry(Model):
    """Names that are never counted by themselves: parts, drivers, updates."""

    id: str
    software_class: ClassName = Field(alias="class")
    names: list[Pattern] = []
    identifiers: dict[str, list[Pattern]] = {}
    unless: dict[str, Pattern] = {}
    note: str = ""

    def rule(self, of_publisher: Rule) -> Rule:
        """The rule that the entry states for its file's publisher."""
        return replace(
            of_publisher,
            id=f"{of_publisher.id}:{self.id}",
            software_class=self.software_class,
            names=tuple(map(_pattern, self.names)),
            identifiers={k: tuple(map(_pattern, texts)) for k, texts in self.identifiers.items()},
            unless={key: _pattern(text) for key, text in self.unless.items()},
        )


class ProductEntry(OtherEntry):
    """A product line and the names and identifiers that show it."""

    label: str
    software_class: ClassName = Field(alias="class", default=SoftwareClass.COMMERCIAL)
    metric: MetricName = Metric.DEVICE
    version: Literal["name", "major", "java"] = "name"
    version_else: str = ""
    versions: dict[str, str] = {}
    builds: list[BuildEntry] = []

    def rule(self, of_publisher: Rule) -> Rule:
        """The rule that the entry states for its file's publisher."""
        builds = (Build(each.software_class, each.since, each.below) for each in self.builds)
        return replace(
            super().rule(of_publisher),
            id=f"{of_publisher.id}:{self.id.partition('/')[2]}",
            line=self.id,
            builds=tuple(builds),
            major=self.version != "name",
            java=self.version == "java",
            version_else=self.version_else,
            versions=self.versions,
        )


class PublisherFile(Model):
    """One file of the catalogue."""

    publisher: str
    label: str
    known_as: list[str] = []
    known_as_pattern: Pattern | None = None
    sources: list[str] = []
    needs_publisher: bool = False
    product: list[ProductEntry] = []
    other: list[OtherEntry] = []

    @model_validator(mode="after")
    def _ids_are_the_publishers(self) -> Self:
        for number, entry in enumerate(self.product):
            if not is_valid_line(entry.id) or not entry.id.startswith(f"{self.publisher}/"):
                raise ValueError(
                    f"product[{number}].id: {entry.id!r} is not {self.publisher}/family[/edition]"
                )
        return self

    def rules(self) -> Iterator[Rule]:
        """The file's rules in its order."""
        of_publisher = Rule(
            id=self.publisher,
            software_class=SoftwareClass.UNKNOWN,
            publishers=frozenset(map(plain_publisher, self.known_as)),
            publisher_pattern=_pattern(self.known_as_pattern) if self.known_as_pattern else None,
            sources=frozenset(self.sources),
            needs_publisher=self.needs_publisher,
        )
        for entry in (*self.product, *self.other):
            yield entry.rule(of_publisher)


def load(folder: Path = SHIPPED) -> Catalogue:
    """Reads every file of the folder, in the order of their names; raises CatalogueError."""
    publishers: dict[str, str] = {}
    products: dict[str, Product] = {}
    rules: list[Rule] = []
    digest = hashlib.sha256()
    for path in sorted(folder.glob("*.toml")):
        file = read(path)
        digest.update(f"{path.name}\0{read_text(path)}\0".encode())
        publishers[file.publisher] = file.label
        for entry in file.product:
            names = {number: name.upper() for name, number in entry.versions.items()}
            product = Product(entry.id, entry.label, entry.metric, names)
            if products.setdefault(entry.id, product) != product:
                raise CatalogueError(f"{path}: {entry.id} has two labels or metrics")
        rules.extend(file.rules())
    return Catalogue(publishers, products, rules, digest.hexdigest())


def read(path: Path) -> PublisherFile:
    """Reads and checks one file; raises CatalogueError naming it and the place in it."""
    try:
        return PublisherFile.model_validate(tomllib.loads(read_text(path)))
    except tomllib.TOMLDecodeError as error:
        raise CatalogueError(f"{path}: {error}") from error
    except RecursionError as error:
        raise CatalogueError(f"{path}: nested too deep") from error
    except ValidationError as error:
        raise CatalogueError(f"{path}: {complaint(error)}") from error
    except UsageError as error:
        raise CatalogueError(str(error)) from error


def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text, re.IGNORECASE)
