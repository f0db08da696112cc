"""Two positions side by side, for people at a terminal."""

from collections.abc import Callable, Mapping

from quitus_collector.adapters.terminal.reasons import say
from quitus_collector.domain.changes import Bought, Effect, LineChange, Moved
from quitus_collector.domain.position import PositionLine
from quitus_collector.services import wording
from quitus_collector.services.ports import Messages
from quitus_collector.services.trying import WhatIf
from quitus_collector.services.wording import N_

FIGURES: Mapping[str, Callable[[PositionLine], int | None]] = {
    N_("installed"): lambda line: line.installed,
    N_("owned"): lambda line: line.entitled,
    N_("covered"): lambda line: line.covered_installs,
    N_("missing"): lambda line: line.missing,
    N_("available"): lambda line: line.available,
}


def show(found: WhatIf, messages: Messages) -> None:
    """What was tried, the figures that differ, and the installs without a licence in all."""
    text = messages.text
    lines = (*found.before, *found.after)
    labels = {line.product: line.label for line in lines}
    print(text("Calculated on {moment}; nothing was saved.", moment=messages.moment(found.as_of)))
    for effect in found.effects:
        say(_effect(effect, labels, messages))
    print()
    if not found.differences:
        print(text("No line of the position changes."))
        return
    for each in found.differences:
        say(each.label, _difference(each, messages))
    print()
    before, after = found.missing
    print(
        text(
            "Installs without a licence, all lines together: {before}, then {after}",
            before=messages.number(before),
            after=messages.number(after),
        )
    )


def _difference(change: LineChange, messages: Messages) -> str:
    """The figures that differ, and the state."""
    parts = []
    for name, figure in FIGURES.items():
        before = figure(change.before) if change.before else 0
        after = figure(change.after) if change.after else 0
        if before != after:
            pair = f"{messages.number(before)} → {messages.number(after)}"
            parts.append(f"{messages.text(name)} {pair}")
    states = [
        wording.state_name(line.state, messages) for line in (change.before, change.after) if line
    ]
    return ", ".join([*parts, " → ".join(dict.fromkeys(states))])


def _effect(effect: Effect, labels: Mapping[str, str], messages: Messages) -> str:
    change = effect.change
    if isinstance(change, Bought):
        product = change.entitlement.product
        return messages.count(
            "{n} licence more of the product {product}",
            "{n} licences more of the product {product}",
            effect.licences,
            product=labels.get(product, product),
        )
    product = labels.get(change.product, change.product)
    if isinstance(change, Moved):
        to = change.entitlement.product
        gone = messages.count(
            "{n} install of {product} replaced by {to}",
            "{n} installs of {product} replaced by {to}",
            effect.installs,
            product=product,
            to=labels.get(to, to),
        )
        licences = messages.count("{n} licence", "{n} licences", effect.licences)
        return messages.text("{replaced}, with {licences} of it", replaced=gone, licences=licences)
    return messages.count(
        "{n} install less of {product}",
        "{n} installs less of {product}",
        effect.installs,
        product=product,
    )
