"""The catalogue's TOML files, one per publisher, read into the domain's Catalogue."""

import hashlib
import re
import tomllib
from collections.abc import Container, Iterator, Mapping
from dataclasses import replace
from datetime import date
from itertools import chain
from pathlib import Path
from typing import Annotated, Literal, Self, TypeVar

from pydantic import AfterValidator, Field, ValidationError, model_validator

from quitus_collector.adapters.documents import Model, complaint, read_text
from quitus_collector.domain.catalogue import Catalogue
from quitus_collector.domain.contested import ContestedRule, Effect, Reading
from quitus_collector.domain.entitlement import Metric
from quitus_collector.domain.patterns import Pattern, PatternError
from quitus_collector.domain.plain_names import plain_publisher
from quitus_collector.domain.product import Condition, Product, Release, Terms, is_valid_line
from quitus_collector.domain.recognition import SoftwareClass
from quitus_collector.domain.rule import Build, Rule, Stage
from quitus_collector.errors import CatalogueError, UsageError

SHIPPED = Path(__file__).parents[2] / "catalogue"
# What any file may write in a name: what follows a product that has no versions of its own.
WORDS = {
    "tail": r"(?:(?: -)? (?:version |release |build |v\.? ?)?\d[\da-z.+_-]*)?",
    "rest": r"(?: .*)?",
    "number": r"v?\d[\da-z.+_-]*",
    "year": r"20\d\d",
}
# The one file of the folder that is of no publisher.
CONTESTED = "contested.toml"
File = TypeVar("File", bound=Model)
_GROUP = re.compile(r"\(\?P<([a-z_]+)>")
_WORD = re.compile(r"\{([a-z][a-z0-9-]*)\}")
_HEADER = re.compile(r"\s*\[\[\s*(product|other)\s*\]\]")
_LIST_HEADER = re.compile(r"\s*\[\s*((?:releases|terms)\.[\w-]+)\s*\]")


def _expression(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"{_short(text)!r} is not a pattern: {error.msg}") from error
    return text


def _pattern(text: str) -> str:
    # Words are put in when the file is complete; until then anything may stand in their place.
    try:
        Pattern(_WORD.sub("w", text)).tree  # noqa: B018 - read here to complain here
    except PatternError as error:
        raise ValueError(f"{_short(text)!r} is not a pattern: {error}") from error
    return text


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:59]}…"


def _checked(text: str) -> Pattern:
    pattern = Pattern(text)
    pattern.tree  # noqa: B018
    groups = _GROUP.findall(text)
    if len(groups) != len(set(groups)):
        raise PatternError(f"{_short(text)!r} has a group twice")
    return pattern


Expression = Annotated[str, AfterValidator(_expression)]
PatternText = Annotated[str, AfterValidator(_pattern)]
# TOML has texts where the domain has enumerations.
ClassName = Annotated[SoftwareClass, Field(strict=False)]
MetricName = Annotated[Metric, Field(strict=False)]
StageName = Annotated[Stage, Field(strict=False)]


class BuildEntry(Model):
    """A range of builds under other terms than the product's."""

    software_class: ClassName = Field(alias="class")
    since: str = ""
    below: str = ""


class ReleaseEntry(Model):
    """One version's days; its own source where it is not that of all."""

    version: str
    released: date | None = None
    supported_until: date | None = None
    source: str = ""


class ReleasesEntry(Model):
    """The versions of a product, oldest first, and the page that their days are from."""

    source: str = Field(min_length=1)
    versions: list[ReleaseEntry]

    def values(self) -> tuple[Release, ...]:
        """The releases, each with its source."""
        return tuple(
            Release(**each.model_dump() | {"source": each.source or self.source})
            for each in self.versions
        )


class TermsEntry(Model):
    """How licences are counted, from a day on."""

    metric: MetricName
    source: str
    valid_from: date | None = None
    valid_until: date | None = None
    processor_minimum: int = 0
    device_minimum: int = 0
    pack: int = 0
    devices_per_user: int = 0


class ConditionEntry(Model):
    """Whom the free use is closed to."""

    text: str
    source: str
    text_fr: str = ""
    valid_from: date | None = None
    employees: int = 0
    builds: str = ""


class OtherEntry(Model):
    """Names that are never counted by themselves: parts, drivers, updates."""

    id: str
    software_class: ClassName = Field(alias="class")
    names: list[PatternText] = []
    except_names: list[PatternText] = []
    identifiers: dict[str, list[PatternText]] = {}
    unless: dict[str, Expression] = {}
    needs_publisher: bool = False
    note: str = ""

    def rule(self, of_publisher: Rule, words: Mapping[str, str]) -> Rule:
        """The rule that the entry states for its file's publisher."""

        def patterns(texts: list[str]) -> tuple[Pattern, ...]:
            return tuple(_checked(_filled(text, words)) for text in texts)

        return replace(
            of_publisher,
            id=f"{of_publisher.id}:{self.id}",
            software_class=self.software_class,
            names=patterns(self.names),
            except_names=patterns(self.except_names),
            identifiers={key: patterns(texts) for key, texts in self.identifiers.items()},
            unless={key: _anycase(text) for key, text in self.unless.items()},
            needs_publisher=of_publisher.needs_publisher or self.needs_publisher,
        )


class ProductEntry(OtherEntry):
    """A product line and the names and identifiers that show it."""

    label: str
    software_class: ClassName = Field(alias="class", default=SoftwareClass.COMMERCIAL)
    metric: MetricName = Metric.DEVICE
    version: Literal["name", "major", "java"] = "name"
    version_else: str = ""
    from_build: dict[str, str] = {}
    from_code: dict[str, str] = {}
    versions: dict[str, str] = {}
    builds: list[BuildEntry] = []
    includes: list[str] = []
    continues: str = ""
    rank: int = 0
    subscription: bool = False
    releases: str = ""
    terms: str = ""
    conditions: list[ConditionEntry] = []

    def rule(self, of_publisher: Rule, words: Mapping[str, str]) -> Rule:
        """The rule that the entry states for its file's publisher."""
        builds = (Build(each.software_class, each.since, each.below) for each in self.builds)
        return replace(
            super().rule(of_publisher, words),
            id=f"{of_publisher.id}:{self.id.partition('/')[2]}",
            line=self.id,
            builds=tuple(builds),
            major=self.version != "name",
            java=self.version == "java",
            from_build=self.from_build,
            from_code=self.from_code,
            version_else=self.version_else,
            versions=self.versions,
        )

    def product(self, file: "PublisherFile", place: str) -> Product:
        """The product that the entry describes."""
        terms = file.terms[self.terms] if self.terms else ()
        return Product(
            self.id,
            self.label,
            self.metric,
            {number: name.upper() for name, number in self.versions.items()},
            tuple(self.includes),
            self.rank,
            self.subscription,
            file.releases[self.releases].values() if self.releases else (),
            tuple(Terms(**each.model_dump()) for each in terms),
            tuple(Condition(**each.model_dump()) for each in self.conditions),
            self.continues,
            place,
        )


class PublisherFile(Model):
    """One file of the catalogue."""

    publisher: str
    label: str
    known_as: list[str] = []
    known_as_pattern: Expression | None = None
    sources: list[str] = []
    needs_publisher: bool = False
    stage: StageName | None = None
    words: dict[str, str] = {}
    releases: dict[str, ReleasesEntry] = {}
    terms: dict[str, list[TermsEntry]] = {}
    product: list[ProductEntry] = []
    other: list[OtherEntry] = []

    @model_validator(mode="after")
    def _ids_are_the_publishers(self) -> Self:
        for number, entry in enumerate(self.product):
            where = f"product[{number}]"
            if not is_valid_line(entry.id) or not entry.id.startswith(f"{self.publisher}/"):
                raise ValueError(
                    f"{where}.id: {entry.id!r} is not {self.publisher}/family[/edition]"
                )
            for key, named, known in (
                ("releases", entry.releases, self.releases.keys()),
                ("terms", entry.terms, self.terms.keys()),
            ):
                if named and named not in known:
                    raise ValueError(f"{where}.{key}: the file has no {key} {named!r}")
        return self

    @model_validator(mode="after")
    def _words_are_there(self) -> Self:
        for kind, entries in (("product", self.product), ("other", self.other)):
            for number, entry in enumerate(entries):
                for text in (
                    *entry.names,
                    *entry.except_names,
                    *chain.from_iterable(entry.identifiers.values()),
                ):
                    for word in _WORD.findall(text):
                        if word not in WORDS and word not in self.words:
                            raise ValueError(f"{kind}[{number}].names: no word {{{word}}} is known")
        return self

    def rules(self, places: Mapping[str, list[int]], path: Path, *, is_own: bool) -> Iterator[Rule]:
        """The file's rules in its order."""
        stage = Stage.PUBLISHER if self.known_as else Stage.LAST
        of_publisher = Rule(
            id=f"own:{self.publisher}" if is_own else self.publisher,
            software_class=SoftwareClass.UNKNOWN,
            publishers=frozenset(map(plain_publisher, self.known_as)),
            publisher_pattern=_anycase(self.known_as_pattern) if self.known_as_pattern else None,
            sources=frozenset(self.sources),
            needs_publisher=self.needs_publisher,
            stage=self.stage or stage,
            is_own=is_own,
        )
        words = WORDS | self.words
        for kind, entries in (("product", self.product), ("other", self.other)):
            for line, entry in zip(places[kind], entries, strict=True):
                try:
                    yield replace(entry.rule(of_publisher, words), place=f"{path}:{line}")
                except PatternError as error:
                    raise CatalogueError(f"{path}:{line}: {error}") from error


class ContestedEntry(Model):
    """A rule that is read in two ways."""

    id: str = Field(pattern=r"^[a-z][a-z0-9-]{0,63}$")
    effect: Annotated[Effect, Field(strict=False)]
    declared: Annotated[Reading, Field(strict=False)]
    label: str = Field(min_length=1)
    label_fr: str = Field(min_length=1)
    note: str = Field(min_length=1)
    note_fr: str = Field(min_length=1)
    sources: list[str] = Field(min_length=1)
    publishers: list[str] = []
    valid_from: date | None = None
    valid_until: date | None = None

    def value(self) -> ContestedRule:
        """The rule."""
        lists = {"sources": tuple(self.sources), "publishers": tuple(self.publishers)}
        return ContestedRule(**self.model_dump() | lists)


class ContestedFile(Model):
    """The rules that are read in two ways."""

    contested: list[ContestedEntry] = []

    @model_validator(mode="after")
    def _ids_are_distinct(self) -> Self:
        ids = [each.id for each in self.contested]
        for number, each in enumerate(ids):
            if each in ids[:number]:
                raise ValueError(f"contested[{number}].id: {each!r} is there twice")
        return self


def load(folder: Path = SHIPPED, own: Path | None = None) -> Catalogue:
    """Reads every file of the folder, and of the customer's `own`; raises CatalogueError."""
    publishers: dict[str, str] = {}
    products: dict[str, Product] = {}
    rules: list[Rule] = []
    digest = hashlib.sha256()
    for path, is_own in _files(folder, own):
        file = read(path)
        text = read_text(path)
        digest.update(f"{'own/' if is_own else ''}{path.name}\0{text}\0".encode())
        if is_own:
            publishers.setdefault(file.publisher, file.label)
        else:
            publishers[file.publisher] = file.label
        places = _places(text)
        for line, entry in zip(places["product"], file.product, strict=True):
            product = entry.product(file, f"{path}:{line}")
            if is_own and entry.id in products:
                continue
            if products.setdefault(entry.id, product) != product:
                raise CatalogueError(f"{path}:{line}: {entry.id} is described in two ways")
        rules.extend(file.rules(places, path, is_own=is_own))
    contested = _contested(folder / CONTESTED, publishers, digest)
    return Catalogue(publishers, products, rules, digest.hexdigest(), version(folder), contested)


def _contested(
    path: Path, publishers: Container[str], digest: "hashlib._Hash"
) -> tuple[ContestedRule, ...]:
    """The rules of the folder that are read in two ways; there may be none."""
    if not path.is_file():
        return ()
    rules = tuple(each.value() for each in _read(path, ContestedFile).contested)
    for rule in rules:
        for publisher in rule.publishers:
            if publisher not in publishers:
                raise CatalogueError(f"{path}: {rule.id} names no publisher: {publisher!r}")
    digest.update(f"{path.name}\0{read_text(path)}\0".encode())
    return rules


def read(path: Path) -> PublisherFile:
    """Reads and checks one file; raises CatalogueError naming it and the place in it."""
    return _read(path, PublisherFile)


def _read(path: Path, model: type[File]) -> File:
    try:
        return model.model_validate(tomllib.loads(read_text(path)))
    except tomllib.TOMLDecodeError as error:
        raise CatalogueError(f"{path}: {error}") from error
    except RecursionError as error:
        raise CatalogueError(f"{path}: nested too deep") from error
    except ValidationError as error:
        raise CatalogueError(f"{path}{_line_of(path, complaint(error))}") from error
    except UsageError as error:
        raise CatalogueError(str(error)) from error


def _files(folder: Path, own: Path | None) -> Iterator[tuple[Path, bool]]:
    for path in sorted(folder.glob("*.toml")):
        if path.name != CONTESTED:
            yield path, False
    for path in sorted(own.glob("*.toml")) if own else ():
        yield path, True


def version(folder: Path) -> str:
    """The version of a folder's rules; empty where it does not say."""
    path = folder / "VERSION"
    return read_text(path).strip() if path.is_file() else ""


def _places(text: str) -> dict[str, list[int]]:
    """The lines on which the entries of each kind begin."""
    found: dict[str, list[int]] = {"product": [], "other": []}
    for number, line in enumerate(text.splitlines(), start=1):
        if header := _HEADER.match(line):
            found[header[1]].append(number)
    return found


def _line_of(path: Path, text: str) -> str:
    """The complaint with the line of the entry that it is about, where it is about one."""
    if found := re.match(r"(product|other)\[(\d+)\]", text):
        lines = _places(read_text(path))[found[1]]
        if int(found[2]) < len(lines):
            return f":{lines[int(found[2])]}: {text}"
    if found := re.match(r"(?:releases|terms)\.[\w-]+", text):
        for number, line in enumerate(read_text(path).splitlines(), start=1):
            if (header := _LIST_HEADER.match(line)) and header[1] == found[0]:
                return f":{number}: {text}"
    return f": {text}"


def _filled(text: str, words: Mapping[str, str]) -> str:
    filled = _WORD.sub(lambda found: f"(?:{words[found[1]]})", text)
    return _filled(filled, words) if _WORD.search(filled) else filled


def _anycase(text: str) -> re.Pattern[str]:
    return re.compile(text, re.IGNORECASE)
