"""The effective licence position: now, of a past day, under other readings, and why."""

from datetime import date
from typing import Annotated, Any

from fastapi import Query
from pydantic import BaseModel, Field

from quitus_collector.domain.account import Permission
from quitus_collector.domain.measurement import Measurement
from quitus_collector.services import measuring
from quitus_collector.services.declaring import check_publisher
from quitus_collector.services.trying import Move, Purchase, Uninstall
from quitus_collector.web.api.calls import Call, Calls, Content, Wanted, Word, upload
from quitus_collector.web.uploads import uploaded
from quitus_collector.wiring import explaining

router = Calls("position")
Day = Annotated[
    date | None, Query(description="the end of a past day, as it was known then; now without it")
]


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


@router.call("GET", "/position/reasons", Permission.READ)
def get_reasons(
    call: Call, product: Wanted, device: Wanted = "", as_of: Day = None, changes: bool = False
) -> dict[str, Any]:
    """Everything behind a product's line: devices, records, rules, licences."""
    return explaining.why(
        call.collector, product, device or None, as_of, changes=changes
    ).document()


class Measurements(BaseModel):
    """What is kept of past days: each of the last week, one a week before that."""

    items: list[Measurement]


Quantity = Annotated[int, Field(ge=1, le=1_000_000)]


class Uninstalled(BaseModel):
    """A product to be without, on one device by its name or id, or on all."""

    product: Word
    device: Word | None = None


class Bought(BaseModel):
    """So many licences of a product more."""

    product: Word
    quantity: Quantity


class Moved(BaseModel):
    """People who change products, by their devices' names or ids; `all` for all of them."""

    product: Word
    to: Word
    users: Annotated[list[Word], Field(min_length=1, max_length=10_000)]


class Trial(BaseModel):
    """Changes that nobody has made."""

    uninstall: Annotated[list[Uninstalled], Field(max_length=100)] = []
    buy: Annotated[list[Bought], Field(max_length=100)] = []
    move: Annotated[list[Moved], Field(max_length=100)] = []


@router.call("POST", "/simulations", Permission.READ)
def simulate(call: Call, trial: Trial) -> dict[str, Any]:
    """The position after changes that nobody has made; nothing is kept."""
    tried = explaining.what_if(
        call.collector,
        [Uninstall(each.product, each.device) for each in trial.uninstall],
        [Purchase(each.product, each.quantity) for each in trial.buy],
        [Move(each.product, each.to, tuple(each.users)) for each in trial.move],
        None,
    )
    return tried.document()


@router.call("GET", "/advice", Permission.READ)
def get_advice(call: Call, publisher: Wanted = "") -> dict[str, Any]:
    """What would close the gaps: licences to buy or to move, software to take off."""
    check_publisher(call.collector.catalogue, publisher or None)
    return explaining.advise(call.collector, None, publisher or None).document()


@router.call("POST", "/advice", Permission.READ, openapi_extra=upload())
def get_priced_advice(
    call: Call,
    content: Content,
    name: Annotated[Word, Query(min_length=1, description="what the file is called")] = "p.csv",
    publisher: Wanted = "",
) -> dict[str, Any]:
    """The same at the prices of the list of offers in the body, the cheapest first."""
    check_publisher(call.collector.catalogue, publisher or None)
    with uploaded(content, name) as file:
        return explaining.advise(call.collector, file, publisher or None).document()


@router.call("GET", "/measurements", Permission.READ)
def list_measurements(call: Call) -> Measurements:
    """Coverage of the fleet and gaps, day by day, the oldest first."""
    return Measurements(items=list(measuring.course(call.collector.store, call.collector.clock)))
