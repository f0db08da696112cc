"""How the perimeter is put into words: which devices count, and why others do not."""

from quitus_collector.domain.device import Standing
from quitus_collector.domain.perimeter import (
    Perimeter,
    ReasonedDevices,
    Role,
    Scope,
    Unreachable,
)
from quitus_collector.services.ports import Messages
from quitus_collector.services.wording import N_, NN_

ROLES = {
    Role.PRODUCTION: N_("production"),
    Role.DEVELOPMENT: N_("development"),
    Role.TEST: N_("test"),
    Role.STANDBY: N_("standby"),
}
SCOPES = {
    Scope.COUNTED: N_("counted"),
    Scope.RETIRED: N_("retired"),
    Scope.EXCLUDED: N_("excluded"),
}
RETIRED = NN_(
    "{n} device is no more and not counted",
    "{n} devices are no more and not counted",
)
EXCLUDED = NN_(
    "{n} device is excluded and not counted",
    "{n} devices are excluded and not counted",
)
UNREACHABLE = {
    Unreachable.STALE: N_("silent for more than {days} days: {reason}"),
    Unreachable.SILENT: N_("never heard: {reason}"),
    Unreachable.RETIRED: N_("no more: {reason}"),
    Unreachable.EXCLUDED: N_("excluded: {reason}"),
}
EXCLUSIONS = {
    Standing.QUARANTINED: N_("Devices set apart until a person decides, not counted"),
    Standing.REPLACED: N_("Devices replaced by another, not counted"),
}


def role(found: Role, messages: Messages) -> str:
    """What a device is for."""
    return messages.text(ROLES[found])


def scope(found: Scope, messages: Messages) -> str:
    """Whether a device is counted."""
    return messages.text(SCOPES[found])


def reach(perimeter: Perimeter, messages: Messages) -> str:
    """How much of the fleet the figures rest on, in one sentence."""
    share = 100 * perimeter.reporting // perimeter.enrolled if perimeter.enrolled else 0
    return messages.text(
        "{reporting} of {enrolled} enrolled devices reported in the last 30 days ({share} %).",
        reporting=messages.number(perimeter.reporting),
        enrolled=messages.number(perimeter.enrolled),
        share=share,
    )


def notes(perimeter: Perimeter, messages: Messages) -> list[str]:
    """What a reader must know of the devices before believing a figure; empty if all is well."""
    found = []
    if perimeter.stale:
        found.append(
            messages.count(
                "{n} device has been silent for more than 30 days and is counted as it last was",
                "{n} devices have been silent for more than 30 days and are counted as they last"
                " were",
                perimeter.stale,
            )
        )
    for number, (one, many) in (
        (perimeter.retired, RETIRED),
        (perimeter.excluded, EXCLUDED),
    ):
        if number:
            found.append(messages.count(one, many, number))
    if perimeter.set_apart:
        found.append(
            messages.count(
                "{n} device is set apart, because its machine may be known already, and not"
                " counted",
                "{n} devices are set apart, because their machines may be known already, and not"
                " counted",
                perimeter.set_apart,
            )
        )
    if perimeter.namesakes:
        found.append(
            messages.text(
                "several devices have the name {names}: a machine that was enrolled twice counts"
                " twice until one of them is removed",
                names=", ".join(perimeter.namesakes[:5]),
            )
        )
    return found


def unreachable(perimeter: Perimeter, messages: Messages) -> list[tuple[str, str]]:
    """Why devices are not counted, or not as they are today, and how many for each reason.

    Empty where nobody gave a reason for any.
    """
    if not any(each.reason for each in perimeter.reasons):
        return []
    return [_reason(each, perimeter, messages) for each in perimeter.reasons]


def silent(perimeter: Perimeter, messages: Messages) -> list[tuple[str, str]]:
    """The counted devices that say nothing, and how many: each reason, and those never heard."""
    return [
        _reason(each, perimeter, messages)
        for each in perimeter.reasons
        if each.state is Unreachable.SILENT or (each.state is Unreachable.STALE and each.reason)
    ]


def _reason(each: ReasonedDevices, perimeter: Perimeter, messages: Messages) -> tuple[str, str]:
    said = messages.text(
        UNREACHABLE[each.state],
        days=perimeter.stale_after_days,
        reason=each.reason or messages.text("no reason was given"),
    )
    return said, messages.number(each.devices)


def exclusion(reason: str, messages: Messages, said: str = "") -> str:
    """Why devices are left out: a standing, what people said of them, or a sentence of theirs."""
    standings = {standing.value: text for standing, text in EXCLUSIONS.items()}
    if reason in standings:
        return messages.text(standings[reason])
    people = {state.value: text for state, text in UNREACHABLE.items()}
    if reason not in people:
        return reason
    return messages.text(people[reason], reason=said or messages.text("no reason was given"))
