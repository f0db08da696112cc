"""Lists that are taken in from files: what would change is looked at first, then it is a job."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic
from urllib.parse import urlencode

from fastapi import Request, Response, UploadFile

from quitus_collector.errors import UsageError
from quitus_collector.services.intake.lines import Problem
from quitus_collector.services.pools import Changed, Previewed, Refused, Unmatched, as_problem
from quitus_collector.services.ports import Messages
from quitus_collector.services.wording import N_
from quitus_collector.web.forms import content_of
from quitus_collector.web.rendering import go, messages_of, page
from quitus_collector.web.uploads import named, plain_name, uploaded
from quitus_collector.web.visits import Visitor
from quitus_collector.web.work import LINK, Work, ask
from quitus_collector.wiring import desk
from quitus_collector.wiring.collector import Collector
from quitus_collector.wiring.figures import Figures

# Of changes and of complaints: who has more of them reads the beginning, and is told.
SHOWN = 200


@dataclass(frozen=True, slots=True)
class Words:
    """What the pages of a list say, in English."""

    title: str
    # The list itself, one line of it, and what a file of it may be.
    list: str
    line: str
    hint: str
    # What is asked about a line whose product is not certain, and why.
    question: str
    why: str
    # Of files that a browser offers to choose.
    accept: str


@dataclass(frozen=True, slots=True)
class Taken:
    """A file as who sends it calls it, and what was decided about it.

    `decisions` are products by names that it has; `form` is for lists that come in several.
    """

    name: str
    decisions: Mapping[str, str]
    reason: str = ""
    without_unmatched: bool = False
    form: str = "auto"


@dataclass(frozen=True, slots=True)
class Intake(Generic[Changed]):
    """A list at `path` whose files are taken in by jobs of the kind `job`.

    `expire` has counted anew what depends on it. `row` says what becomes of a line: `where`, `id`,
    `label` and `told`, sentences; `flaws` what is to be said besides.
    """

    path: str
    job: str
    words: Words
    look: Callable[[Collector, Path, Taken], Previewed[Changed]]
    take: Callable[[Collector, Path, Taken], Previewed[Changed]]
    expire: Callable[[Figures], None]
    row: Callable[[Changed, Collector], Mapping[str, object]]
    flaws: Callable[[Previewed[Changed], Messages], Sequence[str]] = lambda found, messages: ()

    def asked(self, request: Request, said: str = "") -> Response:
        """Asks for the file; `said` is what was wrong with the last one."""
        context = {"path": self.path, "words": self.words, "said": said}
        return page(request, "intake.html", context, status=422 if said else 200)

    def upload(self, request: Request, visit: Visitor, file: UploadFile | None) -> Response:
        """Keeps the file for some days, and shows what it would change."""
        try:
            content, name = content_of(file)
            with uploaded(content, name) as path:
                self.look(visit.collector, path, Taken(name, {}))
                digest = desk.keep(visit.collector, path)
        except UsageError as error:
            return self.asked(request, messages_of(request).error(error))
        return go(request, f"{self.path}/import/{digest}?{urlencode({'name': name})}")

    def decide(
        self, request: Request, visit: Visitor, digest: str, fields: Mapping[str, str]
    ) -> Response:
        """Looks again with what was decided, or has it taken in."""
        decisions, name = _decisions(fields), plain_name(fields.get("name", ""))
        if fields.get("do") != "take":
            return self.preview(request, visit, digest, name, decisions, fields.get("reason", ""))
        desk.find(visit.collector, digest)
        return ask(
            request,
            visit,
            self.job,
            digest=digest,
            about=name,
            reason=fields.get("reason", "").strip(),
            decisions=json.dumps(decisions),
            without_unmatched=fields.get("without_unmatched", ""),
        )

    def work(self, work: Work) -> dict[str, str]:
        """The job that takes it in."""
        asked, messages = work.arguments, work.collector.messages
        file, name = desk.find(work.collector, asked["digest"]), asked["about"]
        decided = Taken(
            name,
            json.loads(asked["decisions"]),
            asked["reason"],
            bool(asked["without_unmatched"]),
            asked.get("form", "auto"),
        )
        try:
            with named(file, name):
                found = self.take(work.collector, file, decided)
        except Refused as refused:
            said = as_problem(refused.preview.complaints[0]).told(messages)
            raise UsageError(
                N_("{count} complaints about {file}, nothing was taken in; the first: {said}"),
                count=len(refused.preview.complaints),
                file=name,
                said=said,
            ) from refused
        self.expire(work.console.figures)
        said = messages.text(
            "{added} lines added, {changed} changed, {unchanged} unchanged",
            added=messages.number(found.added),
            changed=messages.number(found.changed),
            unchanged=messages.number(found.unchanged),
        )
        counts = {"added": found.added, "changed": found.changed, "unchanged": found.unchanged}
        told = {name: str(count) for name, count in counts.items()}
        return {"said": said, **told, LINK: self.path}

    def preview(
        self,
        request: Request,
        visit: Visitor,
        digest: str,
        name: str,
        decisions: Mapping[str, str],
        reason: str = "",
    ) -> Response:
        """What it would change, and all that is wrong with it."""
        collector, file = visit.collector, desk.find(visit.collector, digest)
        with named(file, name):
            found = self.look(collector, file, Taken(name, decisions))
        changes = [each for each in found.changes if each.before is None or each.differences]
        return page(
            request,
            "intake_preview.html",
            {
                "path": self.path,
                "words": self.words,
                "digest": digest,
                "name": name,
                "found": found,
                "changes": [self.row(each, collector) for each in changes[:SHOWN]],
                "more_changes": max(len(changes) - SHOWN, 0),
                "problems": _told(collector.messages, found.problems),
                "more_problems": max(len(found.problems) - SHOWN, 0),
                "unmatched": [_unmatched(collector, each) for each in found.unmatched[:SHOWN]],
                "more_unmatched": max(len(found.unmatched) - SHOWN, 0),
                "notes": [each.told(collector.messages) for each in found.notes[:SHOWN]],
                "flaws": self.flaws(found, collector.messages)[:SHOWN],
                "decided": list(decisions.items()),
                "products": sorted(collector.catalogue.products),
                "reason": reason,
            },
        )


def _decisions(fields: Mapping[str, str]) -> dict[str, str]:
    """The products that were named, by the names that the file has."""
    found = {}
    for field, name in fields.items():
        kind, _, number = field.partition("-")
        product = fields.get(f"product-{number}", "").strip()
        if kind == "unmatched" and product:
            found[name] = product
    return found


def _told(messages: Messages, problems: Sequence[Problem]) -> list[str]:
    return [each.told(messages) for each in problems[:SHOWN]]


def _unmatched(collector: Collector, each: Unmatched) -> dict[str, object]:
    label = collector.catalogue.label
    return {
        "name": each.name,
        "said": each.problem.told(collector.messages),
        "suggestions": [(product, label(product)) for product in each.suggestions],
    }
