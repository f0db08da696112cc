"""Files that programs have taken in: looked at at once, then a job."""

import json
from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import Query, Response
from pydantic import AfterValidator, BaseModel

from quitus_collector.domain.holding import Difference
from quitus_collector.services.pools import Changed, Previewed, Refused, Unmatched, as_problem
from quitus_collector.services.price_wording import plain_value
from quitus_collector.web.api.calls import Caller, Prose, Word
from quitus_collector.web.api.work import JobShown, begin
from quitus_collector.web.intake import Intake, Taken
from quitus_collector.web.uploads import plain_name, uploaded
from quitus_collector.wiring import desk


def _pair(text: str) -> str:
    """Raises ValueError for what is not written NAME=PRODUCT."""
    name, equals, product = text.rpartition("=")
    if not (name.strip() and equals and product.strip()):
        raise ValueError("is not written NAME=PRODUCT")
    return text


Name = Annotated[Word, Query(min_length=1, description="what the file is called")]
Match = Annotated[
    Sequence[Annotated[Word, AfterValidator(_pair)]],
    Query(
        max_length=1000,
        description="`NAME=PRODUCT`: what a name of the file that is not certain stands for",
    ),
]
Reason = Annotated[Prose, Query(description="for the history")]
Line = dict[str, Any]


class Differs(BaseModel):
    """A field of a line, as it was and as it would be."""

    before: Any
    after: Any


class Objection(BaseModel):
    """Why the file would not be taken in; `name` and `suggestions` where no product is known."""

    where: str
    what: str
    name: str | None
    suggestions: list[str]


class Looked(BaseModel):
    """What taking a file in would do; with complaints, nothing would be taken in."""

    form: str
    added: int
    changed: int
    unchanged: int
    complaints: list[Objection]
    notes: list[str]


def decisions_of(match: Sequence[str]) -> dict[str, str]:
    """Products by names of the file."""
    pairs = (each.rpartition("=") for each in match)
    return {name.strip(): product.strip() for name, _, product in pairs}


def looked(found: Previewed[Changed]) -> dict[str, Any]:
    """The fields of `Looked`."""
    return {
        "form": found.form,
        "added": found.added,
        "changed": found.changed,
        "unchanged": found.unchanged,
        "complaints": [
            Objection(
                where=str(as_problem(each).where),
                what=str(as_problem(each).what),
                name=each.name or None if isinstance(each, Unmatched) else None,
                suggestions=list(each.suggestions) if isinstance(each, Unmatched) else [],
            )
            for each in found.complaints
        ],
        "notes": [str(each) for each in found.notes],
    }


def differing(differences: Sequence[Difference]) -> dict[str, Differs]:
    """What changes, by the names of fields."""
    return {
        each.name: Differs(before=plain_value(each.before), after=plain_value(each.after))
        for each in differences
    }


def begin_intake(
    call: Caller, response: Response, intake: Intake[Changed], content: bytes, taken: Taken
) -> JobShown:
    """Has the file taken in; raises Refused, at once, where that cannot be done."""
    with uploaded(content, taken.name) as file:
        found = intake.look(call.collector, file, taken)
        if found.problems or (found.unmatched and not taken.without_unmatched):
            raise Refused(Previewed(found.form, (), found.complaints, found.notes))
        digest = desk.keep(call.collector, file)
    return begin(
        call,
        response,
        intake.job,
        digest=digest,
        about=plain_name(taken.name),
        reason=taken.reason.strip(),
        decisions=json.dumps(taken.decisions),
        without_unmatched="1" if taken.without_unmatched else "",
        form=taken.form,
    )
