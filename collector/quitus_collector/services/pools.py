"""Licence pools: taking entitlements in, changing them, their history. Nothing goes unnoticed."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields, replace
from hashlib import sha256
from typing import Any, Generic, Protocol, TypeVar

from quitus_collector.domain.audit import Event, Kind
from quitus_collector.domain.catalogue import Catalogue
from quitus_collector.domain.entitlement import Channel, Entitlement, Metric
from quitus_collector.domain.holding import Act, Difference, Happened, differences, happenings
from quitus_collector.domain.product import line_of, version_of
from quitus_collector.domain.proof import ProofKind, TitleFlaw, title_flaws
from quitus_collector.errors import UsageError
from quitus_collector.services.intake.drafting import (
    Draft,
    draft,
    implied_channel,
    made_id,
    values_of,
)
from quitus_collector.services.intake.headings import field_of
from quitus_collector.services.intake.lines import (
    Cell,
    Problem,
    RawLine,
    Reading,
    Text,
    phrase,
)
from quitus_collector.services.intake.products import (
    Match,
    Products,
    is_access,
    is_free,
    says_cores,
)
from quitus_collector.services.ports import Clock, Store, UnitOfWork
from quitus_collector.services.wording import N_

# What an empty cell says of each field; the others are always told.
DEFAULTS: Mapping[str, Any] = {
    each.name: each.default for each in fields(Entitlement) if each.default is not MISSING
}
MAX_DETAIL = 255
# As long as the history keeps them.
MAX_REASON = 1000


@dataclass(frozen=True, slots=True)
class Change:
    """What a line of a document makes of the pools; `before` is None where it adds one."""

    where: Text
    entitlement: Entitlement
    before: Entitlement | None = None
    notes: tuple[Text, ...] = ()
    flaws: tuple[TitleFlaw, ...] = ()

    @property
    def differences(self) -> tuple[Difference, ...]:
        """What it changes of a line that is there."""
        return differences(self.before, self.entitlement) if self.before else ()


@dataclass(frozen=True, slots=True)
class Unmatched:
    """A line of which it is not certain what is owned: its name, products that are like it."""

    problem: Problem
    name: str
    suggestions: tuple[str, ...]


class Changing(Protocol):
    """What a line of a document makes of a list; `before` is what the list says, if anything."""

    @property
    def before(self) -> object:
        """None for a line that is new."""

    @property
    def differences(self) -> Sequence[Difference]:
        """What it changes of a line that is there."""


Changed = TypeVar("Changed", bound=Changing)


@dataclass(frozen=True, slots=True)
class Previewed(Generic[Changed]):
    """What taking a document in would do, line by line; it is taken in whole or not at all."""

    form: str
    changes: Sequence[Changed] = ()
    complaints: Sequence[Problem | Unmatched] = ()
    notes: Sequence[Text] = ()

    @property
    def problems(self) -> Sequence[Problem]:
        """What is wrong whatever is decided."""
        return [each for each in self.complaints if isinstance(each, Problem)]

    @property
    def unmatched(self) -> Sequence[Unmatched]:
        """Lines that a person has to decide on, or to leave out."""
        return [each for each in self.complaints if isinstance(each, Unmatched)]

    @property
    def added(self) -> int:
        """How many lines are new."""
        return sum(each.before is None for each in self.changes)

    @property
    def changed(self) -> int:
        """How many lines say something else."""
        return sum(bool(each.differences) for each in self.changes)

    @property
    def unchanged(self) -> int:
        """How many lines are as they were."""
        return len(self.changes) - self.added - self.changed


Preview = Previewed[Change]


def as_problem(complaint: Problem | Unmatched) -> Problem:
    """The complaint without what may help."""
    return complaint.problem if isinstance(complaint, Unmatched) else complaint


class Refused(UsageError):
    """A document that was not taken in; `preview` says why, line by line."""

    def __init__(self, preview: Preview) -> None:
        """Nothing was changed."""
        self.preview = preview
        problem = as_problem(preview.complaints[0])
        others = len(preview.complaints) - 1
        more = f", and {others} more" if others else ""
        super().__init__(f"{problem.where}: {problem.what}{more}")


class Overtaken(UsageError):
    """Somebody changed a line after it was looked at; nothing was changed by who comes second."""

    def __init__(self, line: Entitlement) -> None:
        """`line` is as it is now."""
        super().__init__(N_("the line {id} was changed meanwhile: look at it again"), id=line.id)
        self.line = line


def fingerprint(line: Entitlement) -> str:
    """Another one for every change of a line."""
    return sha256(repr(line).encode()).hexdigest()[:32]


def preview(
    store: Store, catalogue: Catalogue, reading: Reading, decisions: Mapping[str, str] | None = None
) -> Preview:
    """What taking the document in would do; `decisions` give products of names it has."""
    with store.reading() as work:
        return _plan(work, catalogue, reading, decisions or {})


def take_in(
    store: Store,
    catalogue: Catalogue,
    clock: Clock,
    reading: Reading,
    act: Act,
    *,
    source: str = "",
    decisions: Mapping[str, str] | None = None,
    without_unmatched: bool = False,
) -> Preview:
    """Takes a document in; raises Refused where a line is wrong, and then changes nothing.

    A line with a known id changes what it tells of that line, others stay. Lines whose product is
    not certain are wrong too, unless they are to be left out. `source` names the document.
    """
    check(act)
    with store.writing() as work:
        work.entitlements.hold()
        plan = _plan(work, catalogue, reading, decisions or {})
        if plan.problems or (plan.unmatched and not without_unmatched):
            raise Refused(plan)
        for each in plan.changes:
            if each.before != each.entitlement:
                work.entitlements.add(each.entitlement, act)
        if plan.added or plan.changed:
            counts = {"added": str(plan.added), "changed": str(plan.changed)}
            _note(work, clock, act, source or plan.form, counts)
    return plan


def on_paper(
    catalogue: Catalogue, owned: Iterable[Entitlement], reading: Reading
) -> Sequence[Change]:
    """The licences of a document that nobody owns yet, in its order; nothing is kept.

    Raises Refused, also for a line with the id of one that is owned: what it is to become of that
    one would be a guess.
    """
    known = list(owned)
    plan = drafted(catalogue, known, reading, taken={each.id for each in known})
    if plan.complaints:
        raise Refused(plan)
    return plan.changes


def drafted(
    catalogue: Catalogue,
    known: Iterable[Entitlement],
    reading: Reading,
    decisions: Mapping[str, str] | None = None,
    taken: Collection[str] = (),
) -> Preview:
    """The licences of a document that nobody owns, in its order, and all that is wrong with it.

    `known` lines remember which product a name was taken for; ids in `taken` are refused.
    """
    planner = _Planner(catalogue, Products(catalogue, known, decisions), {}, {})
    for line in reading.lines:
        planner.take(line)
    for change in planner.changes:
        if change.entitlement.id in taken:
            what = phrase(N_("{id!r} is owned already"), id=change.entitlement.id)
            planner.complaints.append(Problem(change.where, "", what))
    undecided = [Unmatched(each, "", ()) for each in reading.undecided]
    complaints = [*reading.problems, *planner.complaints, *undecided]
    return Previewed(reading.form, planner.changes, complaints, reading.notes)


def add(
    store: Store,
    catalogue: Catalogue,
    clock: Clock,
    values: Mapping[str, str],
    act: Act,
    *,
    columns: Mapping[str, str] | None = None,
) -> Entitlement:
    """Adds one line by hand, of fields by their names or what columns are called.

    Without an id, contract or invoice and product make it, as they do in a file. `columns` are
    what the person's form calls the fields. Raises Refused, also for an id that is owned already:
    who sends a form twice adds one line.
    """
    check(act)
    told = _by_field(values)
    named = {name: (columns or {}).get(name, name) for name in (*told, "id", "product", "quantity")}
    raw = RawLine(phrase(N_("the new line")), told, named)
    with store.writing() as work:
        work.entitlements.hold()
        known = work.entitlements.list()
        taken = {each.id for each in known}
        plan = drafted(catalogue, known, Reading("hand", (raw,)), taken=taken)
        if plan.complaints:
            raise Refused(plan)
        (change,) = plan.changes
        line = change.entitlement
        work.entitlements.add(line, act)
        _note(work, clock, act, line.id, {"added": "1"})
    return line


def edit(
    store: Store,
    catalogue: Catalogue,
    clock: Clock,
    entitlement_id: str,
    values: Mapping[str, str],
    act: Act,
    *,
    seen: str = "",
) -> Change:
    """Changes fields of a line, by their names or what columns are called; its history stays.

    `seen` is the fingerprint of the line as who changes it saw it. Raises UsageError for a line
    that is not there, and for what is wrong with any field, Overtaken where `seen` is another one.
    """
    check(act)
    told = _by_field(values)
    if "id" in told:
        raise UsageError("{name!r} is no field of an entitlement that can be changed", name="id")
    with store.writing() as work:
        work.entitlements.hold()
        known = {each.id: each for each in work.entitlements.list()}
        line = _of(known, entitlement_id)
        if seen and fingerprint(line) != seen:
            raise Overtaken(line)
        kept: dict[str, Cell] = {
            "id": line.id,
            "product": line.product,
            "quantity": line.quantity,
        }
        cells = {**kept, **told}
        raw = RawLine(phrase("{id}", id=line.id), cells, {name: name for name in cells})
        plan = _plan(work, catalogue, Reading("edit", (raw,)), {})
        if plan.complaints:
            raise Refused(plan)
        (change,) = plan.changes
        if "product" not in told:
            same = replace(change.entitlement, product=line.product, bought_as=line.bought_as)
            change = replace(change, entitlement=same)
        if change.differences:
            work.entitlements.add(change.entitlement, act)
            changed = ", ".join(each.name for each in change.differences)
            _note(work, clock, act, line.id, {"fields": changed})
    return change


def remove_entitlement(
    store: Store, clock: Clock, entitlement_id: str, act: Act, *, seen: str = ""
) -> Entitlement:
    """Takes a line out of the pools; it stays in the history, and so do documents that prove it.

    `seen` is the fingerprint of the line as who removes it saw it. Raises UsageError for a line
    that is not there, Overtaken where `seen` is another one.
    """
    check(act)
    with store.writing() as work:
        work.entitlements.hold()
        line = _of({each.id: each for each in work.entitlements.list()}, entitlement_id)
        if seen and fingerprint(line) != seen:
            raise Overtaken(line)
        work.entitlements.remove(entitlement_id, act)
        _note(work, clock, act, entitlement_id, {"removed": "1"})
    return line


def history(store: Store, entitlement_id: str | None = None) -> Sequence[Happened]:
    """What happened to a line, or to all, the oldest first; raises UsageError for an unknown id."""
    with store.reading() as work:
        found = happenings(work.entitlements.history(entitlement_id))
    if entitlement_id is not None and not found:
        raise UsageError(
            "no entitlement has or had the id {entitlement_id!r}", entitlement_id=entitlement_id
        )
    return found


def owned(store: Store) -> Sequence[tuple[Entitlement, frozenset[ProofKind]]]:
    """The lines of the pools, sorted by id, with the kinds of documents that prove each."""
    with store.reading() as work:
        kinds = _kinds(work)
        return [(each, kinds[each.id]) for each in work.entitlements.list()]


def _kinds(work: UnitOfWork) -> defaultdict[str, frozenset[ProofKind]]:
    found: defaultdict[str, frozenset[ProofKind]] = defaultdict(frozenset)
    for proof in work.proofs.list():
        found[proof.entitlement] |= {proof.kind}
    return found


def _of(known: Mapping[str, Entitlement], entitlement_id: str) -> Entitlement:
    if entitlement_id not in known:
        raise UsageError(
            "no entitlement has the id {entitlement_id!r}", entitlement_id=entitlement_id
        )
    return known[entitlement_id]


def check(act: Act) -> None:
    """Raises UsageError for a reason that the history cannot keep."""
    if len(act.reason) > MAX_REASON:
        raise UsageError(N_("the reason is longer than {limit} characters"), limit=MAX_REASON)


def _by_field(values: Mapping[str, str]) -> dict[str, str]:
    told: dict[str, str] = {}
    for name, value in values.items():
        field = field_of(name)
        if field is None:
            raise UsageError(
                "{name!r} is no field of an entitlement that can be changed", name=name
            )
        told[field] = value
    return told


def _note(
    work: UnitOfWork, clock: Clock, act: Act, subject: str, detail: Mapping[str, str]
) -> None:
    told = {**detail, **({"reason": act.reason[:MAX_DETAIL]} if act.reason else {})}
    event = Event(clock.now(), Kind.POOLS_CHANGED, act.actor, subject[:MAX_DETAIL], told)
    work.audit.add(event)


def _plan(
    work: UnitOfWork, catalogue: Catalogue, reading: Reading, decisions: Mapping[str, str]
) -> Preview:
    known = {each.id: each for each in work.entitlements.list()}
    planner = _Planner(
        catalogue, Products(catalogue, known.values(), decisions), known, _kinds(work)
    )
    for line in reading.lines:
        planner.take(line)
    return Previewed(
        reading.form,
        planner.changes,
        [
            *reading.problems,
            *planner.complaints,
            *(Unmatched(each, "", ()) for each in reading.undecided),
        ],
        reading.notes,
    )


class _Planner:
    """Makes changes of lines, and complaints of what is wrong with them."""

    def __init__(
        self,
        catalogue: Catalogue,
        products: Products,
        known: Mapping[str, Entitlement],
        proven: Mapping[str, frozenset[ProofKind]],
    ) -> None:
        self._catalogue = catalogue
        self._products = products
        self._known = known
        self._proven = proven
        self._seen: dict[str, Text] = {}
        self.changes: list[Change] = []
        self.complaints: list[Problem | Unmatched] = []

    def take(self, line: RawLine) -> None:
        """One line more."""
        found = draft(line)
        self.complaints.extend(found.problems)
        match = self._match(found)
        if match is None:
            return
        if match.reason:
            column = "product" if found.named.get("product") else "part_number"
            problem = found.problem(column, match.reason.message, **match.reason.values)
            self._leave_open(found, problem, match.suggestions)
            return
        product, complaint = self._as_sold(found, match.product)
        if complaint:
            self._leave_open(found, complaint)
            return
        if found.problems:
            return
        notes: list[Text] = []
        if match.pack > 1 and found.pack == 1:
            found, notes = _unpacked(found, match.pack)
        self._add(found, product, tuple(notes))

    def _leave_open(
        self, found: Draft, problem: Problem, suggestions: tuple[str, ...] = ()
    ) -> None:
        """What is owned is for a person to say; the rest may be taken in without it."""
        name = found.name or found.named.get("part_number", "")
        self.complaints.append(Unmatched(problem, name, suggestions))

    def _match(self, found: Draft) -> Match | None:
        """The product that the line names; None where it names none."""
        if not any(found.named.values()):
            return None
        is_subscription = found.told.get("channel") is Channel.SUBSCRIPTION
        return self._products.find(found.named, is_subscription=is_subscription)

    def _as_sold(self, found: Draft, product: str) -> tuple[str, Problem | None]:
        """The product as the catalogue writes it, and what is wrong with owning it."""
        name, version = line_of(product), version_of(product)
        catalogue = self._catalogue
        message = ""
        if is_free(catalogue, name):
            message = N_("{product} is free: there is no licence to count")
        elif catalogue.lacks_version(product):
            message = N_("{product} is licensed by version: write {product}@VERSION, or a version")
        elif version and not (catalogue.is_versioned(name) or is_access(catalogue, name)):
            message = N_("{product} has no versions: write it without @")
        if message:
            return product, found.problem("product", message, product=name)
        names = catalogue.products[name].version_names.items()
        number = {written.lower(): number for number, written in names}.get(version, version)
        return (f"{name}@{number}" if number else name), None

    def _add(self, found: Draft, product: str, notes: tuple[Text, ...]) -> None:
        entitlement_id = found.told.get("id") or made_id(found, product)
        if not entitlement_id:
            message = N_("is empty, and there is no contract or invoice to make one of")
            self.complaints.append(found.problem("id", message))
            return
        if entitlement_id in self._seen:
            message = N_("{id!r} is the id of {other} too")
            other = self._seen[entitlement_id]
            self.complaints.append(found.problem("id", message, id=entitlement_id, other=other))
            return
        self._seen[entitlement_id] = found.where
        before = self._known.get(entitlement_id)
        values = values_of(found, product, DEFAULTS)
        if channel := implied_channel(values):
            values["channel"] = channel
        if base := values.get("requires_base"):
            match = self._products.find({"product": str(base)})
            if match.reason:
                reason = match.reason
                self.complaints.append(
                    found.problem("requires_base", reason.message, **reason.values)
                )
                return
            values["requires_base"] = match.product
        if before is None:
            metric = values.setdefault("metric", self._catalogue.metric(product))
            if not found.metric and metric is Metric.CORE and not says_cores(found.name):
                message = N_("is empty, and {product} was not always counted by cores")
                problem = found.problem("metric", message, product=line_of(product))
                self._leave_open(found, problem)
                return
            line = Entitlement(id=entitlement_id, **values)
        else:
            line = replace(before, **values)
        if complaints := list(_complaints(found, line)):
            self.complaints.extend(complaints)
            return
        flaws = title_flaws(line, self._proven.get(line.id, frozenset()))
        self.changes.append(Change(found.where, line, before, notes, flaws))


def _unpacked(found: Draft, pack: int) -> tuple[Draft, list[Text]]:
    packs = found.quantity or 0
    note = phrase(
        N_("{packs} licences of {pack} cores each, as the name says: {quantity}"),
        packs=packs,
        pack=pack,
        quantity=packs * pack,
    )
    return replace(found, quantity=packs * pack), [note]


def _complaints(found: Draft, line: Entitlement) -> Iterator[Problem]:
    """What does not go together in the line as it would be."""
    if misplaced := line.misplaced_right():
        message = N_("does not go with the metric {metric}")
        yield found.problem(misplaced, message, metric=line.metric)
    start, end = line.valid_from, line.valid_until
    if start and end and start > end:
        message = N_("is before the first day, {day}")
        yield found.problem("valid_until", message, day=start)
