"""What would close the gaps, for people at a terminal."""

from collections.abc import Mapping

from quitus_collector.adapters.terminal.reasons import say
from quitus_collector.domain.remedy import Gap, Plan, Purchase, Replacement, Transfer
from quitus_collector.services import wording
from quitus_collector.services.ports import Messages
from quitus_collector.services.remedying import Advice

# All devices and alternatives stand in the JSON.
SHOWN_DEVICES, SHOWN_PLANS = 12, 6


def show(advice: Advice, messages: Messages) -> None:
    """Every gap with its remedies, and what they cost together."""
    text = messages.text
    print(text("What would close the gaps on {moment}", moment=messages.moment(advice.as_of)))
    if not advice.has_prices:
        say(text("No price list is kept or given, so that quantities stand without prices."))
    for gap in advice.found.gaps:
        print()
        _gap(gap, advice, messages)
    print()
    if not advice.found.gaps:
        print(text("No line has a gap."))
    else:
        _in_all(advice, messages)
    if advice.undetermined:
        print(
            messages.count(
                "{n} line is undetermined and has no remedy",
                "{n} lines are undetermined and have no remedy",
                advice.undetermined,
            )
        )
    for id_, reason in advice.found.uncountable.items():
        why = text(wording.REASONS[reason])
        print(text("offer {offer} left out: {reason}", offer=id_, reason=why))
    for id_ in advice.expired:
        print(text("offer {offer} left out: its price is not valid today", offer=id_))
    for id_ in advice.foreign:
        print(text("offer {offer} left out: its price is in another currency", offer=id_))


def _in_all(advice: Advice, messages: Messages) -> None:
    print(messages.text("Which installs are used is not known here: ask before one is removed."))
    if not advice.has_prices:
        return
    cost = messages.money(advice.cost, advice.currency)
    print(messages.text("The cheapest purchases together: {cost}", cost=cost))
    after = (gap.plan.missing if gap.plan else gap.missing for gap in advice.found.gaps)
    if left := sum(sum(missing.values()) for missing in after):
        print(
            messages.count(
                "{n} install stays without a licence: no offer covers it",
                "{n} installs stay without a licence: no offer covers them",
                left,
            )
        )


def _gap(gap: Gap, advice: Advice, messages: Messages) -> None:
    text = messages.text
    for product, missing in gap.missing.items():
        lacking = messages.count("{n} without a licence", "{n} without a licence", missing)
        print(text("{product}: {lacking}", product=advice.labels[product], lacking=lacking))
    if gap.plan and gap.plan.purchases:
        cost = messages.money(gap.plan.cost, advice.currency)
        say(text("buy, at the least cost: {cost}", cost=cost), *_plan(gap.plan, advice, messages))
        others = [each for each in gap.alternatives if each.purchases != gap.plan.purchases]
        for each in others[:SHOWN_PLANS]:
            cost = messages.money(each.cost, advice.currency)
            say(text("or one offer alone: {cost}", cost=cost), *_plan(each, advice, messages))
    elif advice.has_prices:
        say(text("buy: the price list has no offer that helps"))
    if not (gap.plan and gap.plan.purchases):
        for product, units in gap.to_buy.items():
            bought = messages.count("{n} licence", "{n} licences", units)
            label = advice.labels[product]
            say(text("buy {licences} of {product}", licences=bought, product=label))
    for transfer in gap.transfers:
        say(_transfer(transfer, messages))
    for replacement in gap.replacements:
        say(_replacement(replacement, advice, messages))
    for product, devices in gap.devices.items():
        say(_uninstall(product, devices, advice, messages))


def _plan(plan: Plan, advice: Advice, messages: Messages) -> list[str]:
    sentences = [_purchase(each, advice, messages) for each in plan.purchases]
    if plan.missing:
        sentences.append(_left(plan.missing, messages))
    return sentences


def _purchase(purchase: Purchase, advice: Advice, messages: Messages) -> str:
    offer = purchase.offer
    return messages.text(
        "{units} of {product}, by {metric}: {times} x {price} ({offer}; source: {source})",
        units=messages.count("{n} licence", "{n} licences", purchase.units),
        product=advice.labels[offer.licence.product],
        metric=messages.text(wording.METRICS[offer.licence.metric]),
        times=messages.number(purchase.times),
        price=messages.money(offer.price, advice.currency),
        offer=offer.licence.id,
        source=offer.source,
    )


def _left(missing: Mapping[str, int], messages: Messages) -> str:
    count = sum(missing.values())
    return messages.count(
        "{n} install stays without a licence", "{n} installs stay without a licence", count
    )


def _transfer(transfer: Transfer, messages: Messages) -> str:
    owned = transfer.entitlement
    return messages.text(
        "move {units} of {entitlement}, reserved to {entity}, to another company, if the contract"
        " lets you: {left}",
        units=messages.count("{n} licence", "{n} licences", transfer.units),
        entitlement=owned.id,
        entity=wording.siren(owned.entity or ""),
        left=_left(transfer.missing, messages),
    )


def _replacement(replacement: Replacement, advice: Advice, messages: Messages) -> str:
    devices = _names(sorted(advice.names[each] for each in replacement.devices))
    return messages.text(
        "or put {other}, of which licences are left over, in place of {product}: {devices}",
        other=advice.labels[replacement.by],
        product=advice.labels[replacement.product],
        devices=devices,
    )


def _names(names: list[str]) -> str:
    return ", ".join(names[:SHOWN_DEVICES]) + (" …" if len(names) > SHOWN_DEVICES else "")


def _uninstall(product: str, devices: tuple[str, ...], advice: Advice, messages: Messages) -> str:
    """Devices that are silent first: nobody may use what is on them any more."""
    silent = sorted(advice.names[each] for each in devices if each in advice.silent)
    others = sorted(advice.names[each] for each in devices if each not in advice.silent)
    names = [messages.text("{device} (silent)", device=each) for each in silent] + others
    return messages.text(
        "or uninstall {product} where it is not used: {devices}",
        product=advice.labels[product],
        devices=_names(names),
    )
