"""The pages that are looked at, each with the name of its picture."""

from typing import NamedTuple


class Place(NamedTuple):
    """A page that an account with most roles opens without a form."""

    name: str
    path: str


PLACES = (
    Place("overview", "/"),
    Place("position", "/position"),
    Place("products", "/products"),
    Place("pools", "/pools"),
    Place("pools import", "/pools/import"),
    Place("pools line sought", "/pools/new?q=office"),
    Place("pools line new", "/pools/new?product=microsoft/office/standard@2019"),
    Place("prices", "/prices"),
    Place("prices import", "/prices/import"),
    Place("devices", "/devices"),
    Place("unknown", "/unknown"),
    Place("simulator", "/simulator"),
    Place("letters", "/campaigns"),
    Place("letter registered", "/campaigns/new"),
    Place("declarations", "/declarations"),
    Place("declaration drafted", "/declarations/new"),
    Place("declarations compared", "/declarations/compare"),
    Place("verify", "/verify"),
    Place("jobs", "/jobs"),
    Place("audit log", "/audit"),
    Place("administration", "/administration"),
    Place("accounts", "/administration/accounts"),
    Place("tokens", "/administration/tokens"),
    Place("policies", "/administration/policies"),
    Place("catalogue", "/administration/catalogue"),
    Place("retention", "/administration/retention"),
    Place("enrolment requests", "/devices/requests"),
    Place("account", "/account"),
)
