"""What commands on licence pools and their proofs show in a terminal."""

from collections.abc import Iterable, Iterator, Sequence

from rich.markup import escape

from quitus_collector.adapters.terminal.tables import new_table, print_table
from quitus_collector.domain.entitlement import Entitlement
from quitus_collector.domain.holding import Happened
from quitus_collector.domain.proof import Proof, ProofKind, strength, title_flaws
from quitus_collector.services import pool_wording
from quitus_collector.services.intake.lines import phrase
from quitus_collector.services.pools import Change, Preview, Unmatched, as_problem
from quitus_collector.services.ports import Messages
from quitus_collector.services.prices import PricePreview
from quitus_collector.services.proving import Verified
from quitus_collector.services.wording import N_


def pools(lines: Iterable[tuple[Entitlement, frozenset[ProofKind]]], messages: Messages) -> None:
    """The licence pools, line by line, and what used licences lack."""
    headings = (
        N_("Entitlement"),
        N_("Product"),
        N_("Quantity"),
        N_("Metric"),
        N_("Bought as"),
        N_("Rights and limits"),
        N_("Proof"),
    )
    table = new_table(*map(messages.text, headings))
    flaws = []
    for line, kinds in lines:
        proven = messages.text(pool_wording.STRENGTHS[strength(line, kinds)])
        cells = (
            line.id,
            line.product,
            messages.number(line.quantity),
            pool_wording.said(line.metric, messages),
            pool_wording.said(line.channel, messages),
            pool_wording.limits(line, messages),
            f"{line.proof} ({proven})" if line.proof or kinds else "",
        )
        table.add_row(*map(escape, cells))
        flaws += [(line, flaw) for flaw in title_flaws(line, kinds)]
    print_table(table)
    for line, flaw in flaws:
        print(pool_wording.flaw(line, flaw, messages))


def changes(found: Iterable[Change], messages: Messages) -> None:
    """What a document adds and changes, field by field."""
    changed = [each for each in found if each.before is None or each.differences]
    if not changed:
        return
    headings = (N_("Line"), N_("Entitlement"), N_("Product"), N_("Change"))
    table = new_table(*map(messages.text, headings))
    for each in changed:
        cells = (
            each.where.told(messages),
            each.entitlement.id,
            each.entitlement.product,
            _change(each, messages),
        )
        table.add_row(*map(escape, cells))
    print_table(table)


def edited(change: Change, messages: Messages) -> None:
    """What was changed by hand, field by field."""
    for each in change.differences:
        print(pool_wording.difference(each, messages))
    for flaw in change.flaws:
        print(pool_wording.flaw(change.entitlement, flaw, messages))


def remarks(found: Preview, messages: Messages) -> None:
    """What was passed over in a document, and what used licences in it lack."""
    for note in found.notes:
        print(note.told(messages))
    for each in found.changes:
        for flaw in each.flaws:
            print(pool_wording.flaw(each.entitlement, flaw, messages))


def _change(change: Change, messages: Messages) -> str:
    notes = [note.told(messages) for note in change.notes]
    if change.before is None:
        line = change.entitlement
        what = messages.text(
            N_("new: {quantity}, counted by {metric}, bought as {channel}"),
            quantity=messages.number(line.quantity),
            metric=pool_wording.said(line.metric, messages),
            channel=pool_wording.said(line.channel, messages),
        )
        told = [what, pool_wording.limits(line, messages)]
    else:
        told = [pool_wording.difference(each, messages) for each in change.differences]
    return "\n".join(filter(None, [*told, *notes]))


def complaints(found: Preview | PricePreview, messages: Messages) -> Iterator[str]:
    """Every complaint about a document as a sentence, products that are alike with it."""
    for each in found.complaints:
        sentence = as_problem(each).told(messages)
        if isinstance(each, Unmatched) and each.suggestions:
            like = phrase(N_("like it: {products}"), products=", ".join(each.suggestions))
            sentence = f"{sentence} ({like.told(messages)})"
        yield sentence


def history(found: Sequence[Happened], messages: Messages) -> None:
    """What happened to lines, the oldest first."""
    headings = (
        N_("When"),
        N_("Entitlement"),
        N_("What happened"),
        N_("By"),
        N_("Reason"),
    )
    table = new_table(*map(messages.text, headings))
    for each in found:
        line = each.entitlement
        what = messages.text(pool_wording.HAPPENINGS[each.kind])
        told = [pool_wording.difference(one, messages) for one in each.differences]
        if not told:
            told = [f"{messages.number(line.quantity)} × {line.product}"]  # noqa: RUF001
        when = messages.moment(each.at) if each.at.year > 1970 else "–"
        cells = (when, line.id, "\n".join([what, *told]), each.act.actor, each.act.reason)
        table.add_row(*map(escape, cells))
    print_table(table)


def proofs(found: Sequence[Proof], messages: Messages) -> None:
    """Documents with the lines that they prove."""
    headings = (N_("Entitlement"), N_("Document"), N_("Kind"), "SHA-256", N_("Added"), N_("By"))
    table = new_table(*map(messages.text, headings))
    for each in found:
        kind = messages.text(pool_wording.KINDS[each.kind])
        added = messages.moment(each.added_at)
        if each.removed_at:
            removed = N_("taken off on {at} by {who}: {reason}")
            at = messages.moment(each.removed_at)
            kind += "\n" + messages.text(removed, at=at, who=each.removed_by, reason=each.reason)
        cells = (each.entitlement, each.name, kind, each.sha256[:16], added, each.added_by)
        table.add_row(*map(escape, cells))
    print_table(table)


def verified(found: Sequence[Verified], messages: Messages) -> None:
    """Documents with their condition."""
    headings = ("SHA-256", N_("Condition"), N_("Document"), N_("Entitlements"))
    table = new_table(*map(messages.text, headings))
    for each in found:
        cells = (
            each.sha256[:16],
            messages.text(pool_wording.CONDITIONS[each.condition]),
            ", ".join(sorted({proof.name for proof in each.proofs})),
            ", ".join(sorted({proof.entitlement for proof in each.proofs})),
        )
        table.add_row(*map(escape, cells))
    print_table(table)
