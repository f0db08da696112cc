"""Why this number: a figure of the position down to the raw records and the rules behind it."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from difflib import get_close_matches

from quitus_collector.domain.catalogue import Catalogue
from quitus_collector.domain.explanation import ExplainedDevice, Explanation, explain
from quitus_collector.domain.install import Install
from quitus_collector.domain.optimisation import Solver
from quitus_collector.domain.product import Release, Terms, line_of, version_of
from quitus_collector.domain.recognition import Recognition, SoftwareClass
from quitus_collector.errors import UsageError
from quitus_collector.services.licensing import Known, known
from quitus_collector.services.ports import Clock, Store, UnitOfWork

# Records of the past are put together device by device: of so many, those without a licence first.
PAST_DEVICES = 500


@dataclass(frozen=True, slots=True)
class Evidence:
    """A raw record, what the catalogue of now makes of it, and where its rule stands."""

    install: Install
    recognition: Recognition
    place: str

    def document(self) -> dict[str, object]:
        """The record and its rule as JSON has them."""
        return {
            "install": self.install.document(),
            "recognition": self.recognition.document(),
            "place": self.place or None,
        }


@dataclass(frozen=True, slots=True)
class Reasons:
    """A line of the position with everything behind it.

    `records` are the raw records that show the product; `shown_by` says which of them, by place,
    each device has: of a past day only for so many devices. `names` are those of all devices that
    `explained` names. `terms` are the counting rules in force on the day, `release` what is known
    of the version. `others` are labels of products that are named beside this one;
    `documented` are the licences for which a document is kept.
    """

    as_of: datetime
    day: date
    catalogue_digest: str
    explained: Explanation
    names: Mapping[str, str]
    records: tuple[Evidence, ...]
    shown_by: Mapping[str, tuple[int, ...]]
    terms: tuple[Terms, ...]
    release: Release | None
    others: Mapping[str, str]
    documented: frozenset[str]

    def document(self) -> dict[str, object]:
        """All of it as JSON has it; a device's `records` are null where they were not read."""
        explained = self.explained
        return {
            "as_of": self.as_of.isoformat(),
            "catalogue_sha256": self.catalogue_digest,
            "line": explained.line.document(),
            "terms": [_plain(asdict(each)) for each in self.terms],
            "release": _plain(asdict(self.release)) if self.release else None,
            "licences": [
                {
                    **_plain(asdict(each.entitlement)),
                    "has_document": each.entitlement.id in self.documented,
                    "right": each.right.value,
                    "consumed": each.consumed,
                    "installs": each.installs,
                }
                for each in explained.licences
            ],
            "competing": sorted(explained.competing),
            "records": [each.document() for each in self.records],
            "devices": [
                {
                    "id": each.device,
                    "name": self.names[each.device],
                    "covered": each.covered,
                    "entitlement": each.entitlement,
                    "right": each.right and each.right.value,
                    "records": self.shown_by.get(each.device),
                }
                for each in explained.devices
            ],
            "lacking": list(explained.lacking),
            "changes": [_plain(asdict(each)) for each in explained.trials],
        }


def why(
    store: Store,
    catalogue: Catalogue,
    solver: Solver,
    clock: Clock,
    product: str,
    *,
    device: str | None = None,
    day: date | None = None,
    changes: bool = True,
) -> Reasons:
    """Explains a product's line, on all its devices or on one, by its name or id.

    The figures are those of the whole line either way; `changes` are what would change them, for
    which the engine is asked some ten times more. Raises UsageError where nobody has or owns
    the product, or the device has it not, and what `licensing.position` raises.
    """
    found = known(store, catalogue, clock, day)
    asked = found.question()
    owned = {each.product for each in found.entitlements}
    named = _named(product, asked.fleet.installed.keys() | owned, catalogue)
    explained = explain(named, asked, found.terms, solver, changes=changes)
    names = {each.device_id: each.name for each in found.devices}
    shown = [
        each
        for each in explained.devices
        if device is None or device in (each.device, names[each.device])
    ]
    if device is not None and not shown:
        raise UsageError(
            "{named} is not counted on {device!r}", named=found.terms.label(named), device=device
        )
    with store.reading() as work:
        if day is None or day == clock.today():
            kept = _of_now(work, catalogue, named, {each.device for each in shown})
        else:
            kept = _of_then(work, found, sorted(shown, key=lambda each: bool(each.covered)))
    records = _Records(catalogue, named)
    shown_by = {each: records.places(installs) for each, installs in kept.items()}
    known_product = found.terms.products.get(line_of(named))
    trials = (other for trial in explained.trials for other in trial.others)
    beside = {*explained.competing, *trials, *(e.entitlement.product for e in explained.licences)}
    return Reasons(
        as_of=found.as_of,
        day=found.day,
        catalogue_digest=found.terms.digest,
        explained=explained if device is None else _of(explained, shown),
        names=names,
        records=tuple(records.all),
        shown_by=shown_by,
        terms=known_product.terms_on(found.day) if known_product else (),
        release=known_product.release(version_of(named), "") if known_product else None,
        others={each: found.terms.label(each) for each in beside},
        documented=found.documented,
    )


def _of(explained: Explanation, shown: Iterable[ExplainedDevice]) -> Explanation:
    """The same figures, with some of the devices."""
    return Explanation(
        explained.line,
        tuple(shown),
        explained.licences,
        explained.competing,
        explained.trials,
        explained.lacking,
    )


def _named(product: str, present: Collection[str], catalogue: Catalogue) -> str:
    """The product that is meant: its version may be left out where there is one only."""
    if product in present:
        return product
    versions = sorted(each for each in present if line_of(each) == product)
    if len(versions) == 1:
        return versions[0]
    if versions:
        raise UsageError(
            "{product} is there in several versions: {listed}",
            product=product,
            listed=", ".join(versions),
        )
    close = get_close_matches(product, present, n=1)
    hint = f"; did you mean {close[0]}?" if close else ""
    if line_of(product) not in catalogue.products:
        raise UsageError(
            "the catalogue has no product {product!r}{hint}", product=line_of(product), hint=hint
        )
    raise UsageError(
        "{product} is neither installed as commercial software nor owned{hint}",
        product=product,
        hint=hint,
    )


def _of_now(
    work: UnitOfWork, catalogue: Catalogue, product: str, devices: Collection[str]
) -> dict[str, list[Install]]:
    """The records that show the product, by device."""
    if len(devices) == 1:
        (device,) = devices
        return {device: list(work.inventories.list(device))}
    showing = {
        number: install
        for number, install in work.inventories.records()
        if _shows(catalogue.recognise(install), product)
    }
    return {
        device: [showing[number] for number in numbers if number in showing]
        for device, numbers in work.inventories.by_device()
        if device in devices
    }


def _of_then(
    work: UnitOfWork, found: Known, shown: Iterable[ExplainedDevice]
) -> dict[str, list[Install]]:
    """The records that some devices had then."""
    kept: dict[str, list[Install]] = {}
    for each in list(shown)[:PAST_DEVICES]:
        numbers = work.fleet.known_as(each.device)
        kept[each.device] = [
            episode.install
            for number, id_ in numbers.items()
            if id_ == each.device
            for episode in work.inventories.episodes(number)
            if (episode.first_seen is None or episode.first_seen <= found.as_of)
            and (episode.gone_at is None or episode.gone_at > found.as_of)
        ]
    return kept


def _shows(recognition: Recognition, product: str) -> bool:
    return recognition.software_class is SoftwareClass.COMMERCIAL and recognition.product == product


class _Records:
    """The distinct records that show a product, each recognised once."""

    def __init__(self, catalogue: Catalogue, product: str) -> None:
        self.all: list[Evidence] = []
        self._catalogue, self._product = catalogue, product
        self._places = {rule.id: rule.place for rule in catalogue.rules}
        self._known: dict[tuple[str, ...], int | None] = {}

    def places(self, installs: Iterable[Install]) -> tuple[int, ...]:
        """Where those of them stand that show the product."""
        found = (self._place(install) for install in installs)
        return tuple(sorted({place for place in found if place is not None}))

    def _place(self, install: Install) -> int | None:
        key = install.key()
        if key not in self._known:
            answer = self._catalogue.recognise(install)
            self._known[key] = None
            if _shows(answer, self._product):
                self._known[key] = len(self.all)
                self.all.append(Evidence(install, answer, self._places.get(answer.rule, "")))
        return self._known[key]


def _plain(fields: Mapping[str, object]) -> dict[str, object]:
    """Days as text."""
    return {
        name: value.isoformat() if isinstance(value, date) else value
        for name, value in fields.items()
    }
