"""The pages that are looked at, each with the name of its picture."""

from typing import NamedTuple


class Place(NamedTuple):
    """A page that everyone with all roles can open without a form."""

    name: str
    path: str


PLACES = (
    Place("overview", "/"),
    Place("position", "/position"),
    Place("account", "/account"),
)
