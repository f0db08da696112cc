"""Which product of the catalogue a document means, where that is certain."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from quitus_collector.domain.catalogue import Catalogue
from quitus_collector.domain.entitlement import Entitlement, Metric
from quitus_collector.domain.install import Install
from quitus_collector.domain.plain_names import plain_name, plain_publisher
from quitus_collector.domain.product import (
    is_product_id,
    line_of,
    publisher_of,
    version_key,
    version_label,
    version_of,
)
from quitus_collector.domain.recognition import CONFIDENCE, SoftwareClass
from quitus_collector.services.intake.headings import names_in, plain
from quitus_collector.services.intake.lines import Text, phrase
from quitus_collector.services.wording import N_

MAX_SUGGESTIONS = 3
# Words that say nothing of which product it is.
_NOISE = names_in(
    "edition|licence|licences|license|licenses|lic|the|a|of|for|de|du|la|le|les|l|pour|et|and|"
    "sngl|olp|olv|mvl|nl|alng|lng|corelic|qlfd|w1prjctsvrcal|languages|multilanguage|single|"
    "english|french|francais|anglais"
)
# French words of names that labels have in English.
_SAME = {
    "professionnel": "professional",
    "professionnelle": "professional",
    "entreprise": "enterprise",
    "famille": "home",
    "utilisateur": "user",
    "utilisateurs": "user",
    "appareil": "device",
    "peripherique": "device",
    "poste": "device",
}
# How Microsoft's price lists, and the invoices after them, write names in one word:
# "WinSvrSTDCore 2019 SNGL OLP 2Lic NL CoreLic", "WinSvrCAL 2008 SNGL OLP NL DvcCAL".
_PRICE_LIST = {
    "officeproplus": "office professional plus",
    "officestd": "office standard",
    "visiopro": "visio professional",
    "visiostd": "visio standard",
    "prjctpro": "project professional",
    "prjctstd": "project standard",
    "winsvrstd": "windows server standard",
    "winsvrstdcore": "windows server standard core",
    "winsvrdccore": "windows server datacenter core",
    "winsvressntls": "windows server essentials",
    "winsvrcal": "windows server cal",
    "sqlsvrstdcore": "sql server standard core",
    "sqlsvrentcore": "sql server enterprise core",
    "sqlcal": "sql server cal",
    "usrcal": "user cal",
    "dvccal": "device cal",
}
_VERSION = re.compile(r"\d{1,4}(?:\.\d{1,3})*|[rx]?\d{1,4}[ab]?|cs\d")
_ONE_CAL = re.compile(r"[\s,–-]+1 (?=(?:user|device) cal\b)", re.IGNORECASE)
_CORE_WORDS = frozenset(("core", "cores"))
# How licences by cores are sold: "- 16 Core", "2 Core License Pack", "(2 cœurs)".
_PACK = re.compile(
    r"[\s,–-]*\(?\b(?P<size>\d{1,3})[ -]?(?:cores?|c(?:oe|œ)urs?)\b"
    r"(?:[ -](?:licen[cs]es?|lic))?(?:[ -]packs?)?\)?\s*$",
    re.IGNORECASE,
)


_LICENCES = re.compile(r"\b(?P<size>\d{1,3})lic\b", re.IGNORECASE)
_RELEASE = re.compile(r"\b(\d{4})r(\d)\b")


@dataclass(frozen=True, slots=True)
class Match:
    """The product, and the units that its name says one licence has; or why there is none."""

    product: str = ""
    pack: int = 1
    reason: Text | None = None
    suggestions: tuple[str, ...] = ()


class Products:
    """Finds products by their ids, by what was decided before, and by their names."""

    def __init__(
        self,
        catalogue: Catalogue,
        known: Iterable[Entitlement] = (),
        decisions: Mapping[str, str] | None = None,
    ) -> None:
        """`known` lines remember which product a name or a part number was taken for.

        `decisions` give the product of names and part numbers of a document; they come first.
        """
        self._catalogue = catalogue
        self._decided = {plain(name): product for name, product in (decisions or {}).items()}
        by_part: defaultdict[str, set[str]] = defaultdict(set)
        by_name: defaultdict[str, set[str]] = defaultdict(set)
        for line in known:
            if line.part_number:
                by_part[plain(line.part_number)].add(line.product)
            if line.bought_as:
                by_name[plain(line.bought_as)].add(line.product)
        self._by_part, self._by_its_name = by_part, by_name

    def find(self, named: Mapping[str, str], *, is_subscription: bool = False) -> Match:
        """The product that a line names; `named` are the fields of drafting.NAMING.

        Of what is sold as a subscription beside versions, a name without a version is the former
        only where the line says that it is one.
        """
        written, part = written_name(named), named.get("part_number", "")
        for name in (part, named.get("product", ""), written):
            if product := self._decided.get(plain(name)) if name else None:
                return self._known(product, written)
        given = named.get("product", "")
        if is_product_id(given):
            version = named.get("version", "").lower().replace(" ", "")
            is_bare = "@" not in given and self._catalogue.is_versioned(given)
            return self._known(f"{given}@{version}" if version and is_bare else given, given)
        if product := self._remembered(written, self._by_its_name):
            return Match(product, self._pack(product, written))
        if product := self._remembered(part, self._by_part):
            certain = self._certain(written, named.get("publisher", "")) | {product}
            if len(certain) > 1:
                return _several(written, certain)
            return Match(product, self._pack(product, written))
        return self._by_name(named, written, part, is_subscription)

    def _remembered(self, name: str, products: Mapping[str, set[str]]) -> str:
        """The one product that lines of the pools take this name for; empty where there is none."""
        found = products.get(plain(name), set()) if name else set()
        return next(iter(found)) if len(found) == 1 else ""

    def _known(self, product: str, written: str) -> Match:
        line = line_of(product)
        if line in self._catalogue.products:
            return Match(product, self._pack(product, written))
        message = N_("the catalogue has no product {product!r}")
        return Match("", 1, phrase(message, product=line), tuple(self._like(line, "")))

    def _by_name(
        self, named: Mapping[str, str], written: str, part: str, is_subscription: bool
    ) -> Match:
        publisher = named.get("publisher", "")
        found = self._certain(written, publisher) or self._installed(named)
        if not is_subscription:
            found = {each for each in found if version_of(each) or not self._versioned(each)}
        if len(found) == 1:
            product = next(iter(found))
            return Match(product, self._pack(product, written))
        if found:
            return _several(written, found)
        if not written:
            message = N_("the part number {part!r} is not known yet: name the product beside it")
            return Match("", 1, phrase(message, part=part))
        message = N_("{name!r} is no product that the catalogue knows for certain")
        return Match("", 1, phrase(message, name=written), tuple(self._like(written, publisher)))

    def _versioned(self, product: str) -> bool:
        return self._catalogue.is_versioned(line_of(product))

    def _pack(self, product: str, written: str) -> int:
        """The cores that one licence has by its name, of a product that is counted by cores."""
        found = _PACK.search(written) or _LICENCES.search(written)
        is_counted = self._catalogue.metric(product) is Metric.CORE
        return int(found["size"]) if found and is_counted and int(found["size"]) else 1

    def _certain(self, written: str, publisher: str) -> set[str]:
        """The products that the name is a whole name of."""
        plainer = plain_name(_ONE_CAL.sub(" ", _LICENCES.sub(" ", _PACK.sub("", written))))
        words = _words(plainer)
        found = self._labelled(words)
        if not found and words & _CORE_WORDS:
            by_core = self._labelled(words - _CORE_WORDS)
            found = {each for each in by_core if self._catalogue.metric(each) is Metric.CORE}
        if publisher:
            found = {each for each in found if self._is_of(each, publisher)}
        return found or set(self._recognised(plainer, publisher))

    def _installed(self, named: Mapping[str, str]) -> set[str]:
        """By the name and the version of an installed product, as a bill of materials has them."""
        version = named.get("version", "")
        if not version or named.get("edition"):
            return set()
        install = Install(named.get("product", ""), version, named.get("publisher", ""), source="")
        found = self._catalogue.recognise(install)
        is_sold = found.software_class is SoftwareClass.COMMERCIAL and found.product
        if not is_sold or found.confidence < CONFIDENCE[True, False]:
            return set()
        return {str(found.product)} - {""}

    def _labelled(self, words: frozenset[str]) -> set[str]:
        """Products whose label has just these words; a version that nobody lists is as good."""
        if found := self._labels.get(words):
            return set(found)
        return {
            f"{line}@{word}"
            for word in words
            if _VERSION.fullmatch(word)
            for line in self._unlisted.get(words - {word}, ())
        }

    def _recognised(self, plainer: str, publisher: str) -> Iterator[str]:
        """By the rules that know what installed products are called, in any language.

        A rule that leaves a part of the name open is certain only of the product's own label.
        """
        maker = plain_publisher(publisher).partition(" ")[0]
        for name in dict.fromkeys((plainer, f"{maker} {plainer}".strip())):
            found = self._catalogue.recognise(Install(name, "", publisher, source=""))
            product = found.product or ""
            if found.software_class is not SoftwareClass.COMMERCIAL or not product:
                continue
            is_open = found.confidence in (CONFIDENCE[True, True], CONFIDENCE[False, True])
            is_label = product in self._labelled(_words(plainer))
            if (is_label or not is_open) and not self._catalogue.lacks_version(product):
                yield product
                return

    def _is_of(self, product: str, publisher: str) -> bool:
        """Whether the publisher is the product's, as far as both are known."""
        known = plain_publisher(self._catalogue.publishers.get(publisher_of(product), ""))
        given = plain_publisher(publisher)
        return not known or not given or known.startswith(given) or given.startswith(known)

    @cached_property
    def _labels(self) -> Mapping[frozenset[str], set[str]]:
        """Products by the words that their labels have, with their publisher and without."""
        found: defaultdict[frozenset[str], set[str]] = defaultdict(set)
        for product in sold(self._catalogue):
            for words in self._words_of(product):
                found[words].add(product)
        return found

    @cached_property
    def _unlisted(self) -> Mapping[frozenset[str], set[str]]:
        """Product lines that are sold by version, of which the catalogue lists none."""
        found: defaultdict[frozenset[str], set[str]] = defaultdict(set)
        for line, product in self._catalogue.products.items():
            is_listed = product.releases or product.version_names
            if self._catalogue.is_versioned(line) and not is_listed:
                for words in self._words_of(line):
                    found[words].add(line)
        return found

    def _words_of(self, product: str) -> Iterator[frozenset[str]]:
        words = _words(self._catalogue.label(product))
        publisher = _words(self._catalogue.publishers.get(publisher_of(product), ""))
        yield from filter(None, {words, words - publisher, words | publisher})

    def _like(self, written: str, publisher: str) -> list[str]:
        """The products whose names have most words in common with this one."""
        words = _words(f"{publisher} {written}") - _CORE_WORDS
        words |= {each for word in words for each in re.split(r"(?<=[a-z])(?=\d)", word)}
        scores: dict[str, float] = {}
        for label, products in self._labels.items():
            shared = len(label & words)
            if shared > 1 or (shared and (len(label) == 1 or words <= label)):
                score = shared / len(label | words)
                for product in products:
                    scores[product] = max(score, scores.get(product, 0))
        # Of versions that are as like it as each other, the newest.
        newest: dict[str, str] = {}
        for product in sorted(scores, key=lambda product: version_key(version_of(product))):
            best = newest.get(line_of(product))
            if best is None or scores[product] >= scores[best]:
                newest[line_of(product)] = product
        ranked = sorted(newest.values(), key=lambda product: (-scores[product], product))
        return ranked[:MAX_SUGGESTIONS]


def sold(catalogue: Catalogue) -> Iterator[str]:
    """Every product that a licence may be of, with the versions that are known."""
    for line, product in catalogue.products.items():
        if is_free(catalogue, line):
            continue
        versions = {each.version for each in product.releases} | set(product.version_names)
        if catalogue.is_versioned(line) or is_access(catalogue, line):
            yield from (f"{line}@{each}" for each in versions)
        if not catalogue.is_versioned(line) or product.subscription:
            yield line


def search(catalogue: Catalogue, asked: str) -> Sequence[str]:
    """What may be owned and has all words somewhere in label, publisher or id.

    Those with most of them as whole words first, then by label, the newest version first. Of what
    is sold by version, the product line itself is there too, for versions that nobody lists.
    """
    wanted = [_SAME.get(word, word) for word in plain(asked).split()]
    scores: dict[str, int] = {}
    lines = (each for each in catalogue.products if not is_free(catalogue, each))
    for product in dict.fromkeys((*sold(catalogue), *lines)) if wanted else ():
        publisher = catalogue.publishers.get(publisher_of(product), "")
        words = plain(f"{publisher} {catalogue.label(product)} {product}")
        if all(word in words for word in wanted):
            scores[product] = len(set(wanted).intersection(words.split()))
    newest = sorted(scores, key=lambda product: version_key(version_of(product)), reverse=True)
    return sorted(
        newest, key=lambda product: (-scores[product], catalogue.label(line_of(product)).casefold())
    )


def _several(written: str, found: set[str]) -> Match:
    message = N_("{name!r} may be several products")
    return Match("", 1, phrase(message, name=written), tuple(sorted(found)[:MAX_SUGGESTIONS]))


def is_access(catalogue: Catalogue, line: str) -> bool:
    """Whether it is a right of access (a CAL): nothing that could be installed."""
    return catalogue.metric(line) in (Metric.USER_CAL, Metric.DEVICE_CAL)


def is_free(catalogue: Catalogue, line: str) -> bool:
    """Whether the product needs no licence at all."""
    return not catalogue.needs_licence(line) and not is_access(catalogue, line)


def written_name(named: Mapping[str, str]) -> str:
    """The name as the document writes it, with the edition and version of columns beside it."""
    name = named.get("product", "")
    for part in ("edition", "version"):
        value = named.get(part, "")
        if value and not is_product_id(name) and plain(value) not in plain(name):
            name = f"{name} {version_label(value)}"
    return name.strip()


def says_cores(written: str) -> bool:
    """Whether a name says that its licences are counted by cores."""
    return bool(_PACK.search(written) or _words(written) & _CORE_WORDS)


def _words(name: str) -> frozenset[str]:
    words = _RELEASE.sub(r"\1 r\2", plain(name)).split()
    whole = " ".join(_PRICE_LIST.get(word, word) for word in words).split()
    return frozenset(_SAME.get(word, word) for word in whole) - _NOISE
