"""The effective licence position: now, of a past day, under other readings, and why."""

import json
from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any

from fastapi import Query, Response
from pydantic import AfterValidator, Base64Bytes, BaseModel, Field

from quitus_collector.domain.account import Permission
from quitus_collector.domain.measurement import Measurement
from quitus_collector.domain.product import is_product_id
from quitus_collector.services import measuring
from quitus_collector.services.declaring import check_publisher
from quitus_collector.services.jobs import ANSWER
from quitus_collector.services.licensing import end_of_past
from quitus_collector.services.trying import Move, Purchase, Uninstall
from quitus_collector.web.api.calls import Body, Call, Calls, Content, Wanted, Word, upload
from quitus_collector.web.api.work import BEGUN, JobShown, begin
from quitus_collector.web.uploads import plain_name, uploaded
from quitus_collector.web.work import Work
from quitus_collector.wiring import explaining

router = Calls("position")
Day = Annotated[
    date | None, Query(description="the end of a past day, as it was known then; now without it")
]


def _known(product: str) -> str:
    """Raises ValueError for what no product is called."""
    if not is_product_id(product):
        raise ValueError("is no id of a product")
    return product


Product = Annotated[Word, AfterValidator(_known)]


@router.call("GET", "/position", Permission.READ)
def get_position(call: Call, publisher: Wanted = "", as_of: Day = None) -> dict[str, Any]:
    """Installed, owned, covered and missing, line by line."""
    check_publisher(call.collector.catalogue, publisher or None)
    # What is kept of a past day stays; today is not over.
    if as_of and as_of != call.collector.clock.today():
        shown = call.figures.position_of(as_of)
    else:
        shown = call.figures.position().value
    return (shown.of_publisher(publisher) if publisher else shown).document()


@router.call("GET", "/position/readings", Permission.READ)
def get_readings(call: Call, publisher: Wanted = "") -> dict[str, Any]:
    """As it is declared, at best and at worst: every contested rule decided either way."""
    check_publisher(call.collector.catalogue, publisher or None)
    shown = call.figures.readings().value
    return (shown.of_publisher(publisher) if publisher else shown).document()


class Question(Body):
    """What is to be explained: a product's line, of a past day, one device of it.

    `changes` tries what one install or one licence more or less would change.
    """

    product: Product
    device: Word = ""
    as_of: date | None = None
    changes: bool = False


@router.call("POST", "/position/reasons", Permission.READ, **BEGUN)
def ask_reasons(call: Call, response: Response, question: Question) -> JobShown:
    """Has everything behind a product's line set in order: devices, records, rules, licences."""
    if question.as_of:
        end_of_past(call.collector.clock, question.as_of)
    asked = question.model_dump_json()
    return begin(call, response, "reasons", asked=asked, about=question.product)


def explain(work: Work) -> dict[str, str]:
    """The job of it."""
    asked = Question.model_validate_json(work.arguments["asked"])
    found = explaining.why(
        work.collector, asked.product, asked.device or None, asked.as_of, changes=asked.changes
    )
    return answered(found.document())


def answered(document: Mapping[str, Any]) -> dict[str, str]:
    """The result of a job that has one, for programs."""
    return {ANSWER: json.dumps(document, ensure_ascii=False, allow_nan=False)}


class Measurements(BaseModel):
    """What is kept of past days: each of the last week, one a week before that."""

    items: list[Measurement]


Quantity = Annotated[int, Field(ge=1, le=1_000_000)]


class Uninstalled(Body):
    """A product to be without, on one device by its name or id, or on all."""

    product: Product
    device: Word | None = None


class Bought(Body):
    """So many licences of a product more."""

    product: Product
    quantity: Quantity


class Moved(Body):
    """People who change products, by their devices' names or ids; `all` for all of them."""

    product: Product
    to: Product
    users: Annotated[list[Word], Field(min_length=1, max_length=10_000)]


class LicenceFile(Body):
    """A list of licences that nobody owns yet, its content in base64."""

    name: Annotated[Word, Field(min_length=1)]
    content: Annotated[Base64Bytes, Field(max_length=20_000_000)]


class Trial(Body):
    """Changes that nobody has made; `licences` is a file of licences to be bought."""

    uninstall: Annotated[list[Uninstalled], Field(max_length=100)] = []
    buy: Annotated[list[Bought], Field(max_length=100)] = []
    move: Annotated[list[Moved], Field(max_length=100)] = []
    licences: LicenceFile | None = None


@router.call("POST", "/simulations", Permission.READ, **BEGUN)
def simulate(call: Call, response: Response, trial: Trial) -> JobShown:
    """Has the position counted after changes that nobody has made; only the answer is kept."""
    file, content = trial.licences, b""
    if file:
        content = file.content
        with uploaded(content, file.name) as path:
            explaining.must_be_licences(call.collector, path)
    asked = trial.model_dump_json(exclude={"licences"})
    name = plain_name(file.name) if file else ""
    return begin(call, response, "simulation", content, asked=asked, file=name, about=name)


def try_out(work: Work) -> dict[str, str]:
    """The job of it."""
    asked = Trial.model_validate_json(work.arguments["asked"])
    with uploaded(work.content, work.arguments["file"] or "nothing") as path:
        found = explaining.what_if(
            work.collector,
            [Uninstall(each.product, each.device) for each in asked.uninstall],
            [Purchase(each.product, each.quantity) for each in asked.buy],
            [Move(each.product, each.to, tuple(each.users)) for each in asked.move],
            path if work.arguments["file"] else None,
        )
    return answered(found.document())


@router.call("POST", "/advice", Permission.READ, openapi_extra=upload(required=False), **BEGUN)
def ask_advice(
    call: Call,
    response: Response,
    content: Content,
    name: Annotated[Word, Query(min_length=1, description="what the file is called")] = "p.csv",
    publisher: Wanted = "",
) -> JobShown:
    """Has worked out what would close the gaps, at the prices of the file in the body, or kept."""
    check_publisher(call.collector.catalogue, publisher or None)
    if content:
        with uploaded(content, name) as path:
            explaining.must_be_prices(call.collector, path)
    file = plain_name(name) if content else ""
    return begin(call, response, "advice", content, publisher=publisher, file=file, about=file)


def advise(work: Work) -> dict[str, str]:
    """The job of it."""
    asked = work.arguments
    with uploaded(work.content, asked["file"] or "nothing") as path:
        found = explaining.advise(
            work.collector, path if asked["file"] else None, asked["publisher"] or None
        )
    return answered(found.document())


@router.call("GET", "/measurements", Permission.READ)
def list_measurements(call: Call) -> Measurements:
    """Coverage of the fleet and gaps, day by day, the oldest first."""
    return Measurements(items=list(measuring.course(call.collector.store, call.collector.clock)))
