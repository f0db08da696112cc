"""Filters and places of lists, as addresses carry them."""

from collections.abc import Mapping
from urllib.parse import urlencode

from quitus_collector.domain.roster import Place
from quitus_collector.errors import UsageError


def place_of(text: str) -> Place | None:
    """Where a page of the list begins, as the link to it says; raises UsageError."""
    if not text:
        return None
    number, _, name = text.partition(":")
    if not number.isascii() or not number.isdigit() or len(number) > 18 or "\0" in name:
        raise UsageError("this is no place in a list: begin again at its first page")
    return Place(name, int(number))


def told(place: Place | None) -> str:
    """The place as an address carries it."""
    return f"{place.number}:{place.name}" if place else ""


def address(path: str, filters: Mapping[str, object], **more: object) -> str:
    """A page of a list with its filters; those that say nothing are left out."""
    said = {name: str(value) for name, value in {**filters, **more}.items() if value}
    return f"{path}?{urlencode(said)}" if said else path
