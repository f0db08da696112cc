"""What is to be told now, by which way it was told already."""

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from hashlib import sha256

from quitus_collector.domain import notice
from quitus_collector.domain.filing import Policy
from quitus_collector.domain.job import Job
from quitus_collector.domain.notice import Notice, Topic
from quitus_collector.domain.position import Position
from quitus_collector.services import filings, roster
from quitus_collector.services.ports import Clock, Messages, Store
from quitus_collector.services.wording import N_

TITLES = {
    Topic.DEADLINE: N_("Deadlines of letters"),
    Topic.GAP: N_("New gaps"),
    Topic.COVERAGE: N_("Coverage of the fleet"),
    Topic.EXPIRY: N_("Licences about to end"),
    Topic.CERTIFICATES: N_("Certificates of devices"),
    Topic.SUBMISSION: N_("Declarations submitted"),
}
# What people get by mail; what programs get is named with each of them.
MAILED = (Topic.DEADLINE, Topic.GAP, Topic.COVERAGE, Topic.EXPIRY)


def current(store: Store, clock: Clock, position: Position, policy: Policy) -> Sequence[Notice]:
    """All that holds now, whether it was told or not, sorted by topic and key."""
    found: list[Notice] = []
    reached, _ = filings.fleet_coverage(store, clock)
    today = clock.today()
    with store.reading() as work:
        found += notice.deadlines(work.campaigns.list(), today)
        found += notice.expiries(work.entitlements.list(), today)
        found += notice.certificates(work.roster.ending(roster.moments(clock.now())))
        found += notice.submissions(work.filings.list())
    found += notice.gaps(position.lines)
    found += notice.coverage(reached.reporting, reached.known, policy.coverage_percent)
    order = list(Topic)
    return sorted(found, key=lambda each: (order.index(each.topic), each.key))


def claim(
    store: Store,
    clock: Clock,
    way: str,
    found: Sequence[Notice],
    deliveries: Callable[[Sequence[Notice]], Iterable[tuple[Job, bytes]]],
    day: date | None = None,
) -> int:
    """Queues what this way did not tell yet, and notes it as told, both or neither; how much.

    What holds no more is forgotten: it is told again when it begins again. With `day`, nothing
    more is told by this way on that day, nor is anything noted.
    """
    days = f"{way} day"
    with store.writing() as work:
        if day and work.notices.told(days) == {day.isoformat()}:
            return 0
        told = work.notices.told(way)
        new = [each for each in found if _mark(each) not in told]
        for job, content in deliveries(new) if new else ():
            work.jobs.add(job, content)
        now = clock.now()
        work.notices.replace(way, {_mark(each) for each in found}, now)
        if day:
            work.notices.replace(days, {day.isoformat()}, now)
    return len(new)


def sentence(told: Notice, messages: Messages) -> str:
    """The notice as a person reads it."""
    text, values = messages.text, dict(told.values)
    if told.topic is Topic.DEADLINE:
        values["due"] = messages.day(values["due"])
        return text("{publisher}: the letter {letter} is to be answered by {due}.", **values)
    if told.topic is Topic.GAP:
        return messages.count(
            "{label}: {n} licence is missing.",
            "{label}: {n} licences are missing.",
            int(values["missing"]),
            label=values["label"],
        )
    if told.topic is Topic.COVERAGE:
        return text("{percent} % of the devices report; a declaration needs {wanted} %.", **values)
    if told.topic is Topic.EXPIRY:
        values["ends"] = messages.day(values["ends"])
        if values["what"] == "maintenance":
            return text("{product}: the maintenance of {entitlement} ends on {ends}.", **values)
        return text("{product}: the licences {entitlement} end on {ends}.", **values)
    if told.topic is Topic.CERTIFICATES:
        return messages.count(
            "{n} device has a certificate that ends soon.",
            "{n} devices have certificates that end soon.",
            int(values["devices"]),
        )
    return text("The declaration {declaration} was submitted: receipt {receipt}.", **values)


def digest(found: Sequence[Notice], messages: Messages) -> str:
    """One message of all of them, by topic."""
    parts = []
    for topic, title in TITLES.items():
        lines = [plain(sentence(each, messages)) for each in found if each.topic is topic]
        if lines:
            parts.append("\n".join([messages.text(title), "", *(f"- {line}" for line in lines)]))
    return "\n\n".join(parts) + "\n"


def _mark(told: Notice) -> str:
    """A key of any length, as it is kept."""
    return sha256(told.key.encode("utf-8", "replace")).hexdigest()


def plain(line: str) -> str:
    """One line whatever names are in it, and none that turns the words around it about."""
    return "".join(each if each.isprintable() else " " for each in line)[:500]
