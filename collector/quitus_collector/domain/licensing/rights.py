"""What a licence may cover beside exactly what it names."""

from collections.abc import Callable
from datetime import date

from quitus_collector.domain.entitlement import Entitlement, Right
from quitus_collector.domain.licensing.situation import ProductTerms
from quitus_collector.domain.product import compare_versions, family_of, line_of, version_of

TermsOf = Callable[[str], ProductTerms]


def right_to(line: Entitlement, product: str, terms_of: TermsOf) -> Right | None:
    """The right under which a unit covers the product, the first of those that apply."""
    owned = line.product
    version_right = _version_right(line, version_of(owned), product, terms_of)
    if line_of(product) == line_of(owned):
        if version_right is not None:
            return version_right
    elif version_right is Right.DOWNGRADE and line_of(product) == terms_of(owned).continues:
        return version_right
    elif line.edition_downgrade and version_right is not None:
        rank, ceiling = terms_of(product).edition_rank, terms_of(owned).edition_rank
        if (
            family_of(product) == family_of(owned)
            and rank is not None
            and ceiling is not None
            and rank < ceiling
        ):
            return Right.EDITION_DOWNGRADE
    for component in components(owned, terms_of):
        if line_of(component) == line_of(product) and _version_right(
            line, version_of(component), product, terms_of
        ):
            return Right.SUITE
    return None


def components(suite: str, terms_of: TermsOf) -> list[str]:
    """Everything that a suite contains, suites within it opened, each at the version it has there.

    A component listed without a version stands at the version of the suite that lists it.
    """
    found: list[str] = []
    unopened = [suite]
    while unopened:
        opened = unopened.pop()
        for listed in terms_of(opened).includes:
            component = at_own_version(listed, opened)
            if component not in found:
                found.append(component)
                unopened.append(component)
    return found


def at_own_version(listed: str, suite: str) -> str:
    """A component as the suite has it."""
    version = version_of(suite)
    return listed if "@" in listed or not version else f"{listed}@{version}"


def _version_right(
    line: Entitlement, version: str, product: str, terms_of: TermsOf
) -> Right | None:
    """How a licence that stands at `version` reaches the product's own version."""
    order = compare_versions(version_of(product), version)
    if order == 0:
        return Right.DIRECT
    if order is None:
        return None
    if order < 0:
        return Right.DOWNGRADE if line.downgrade else None
    return Right.MAINTENANCE if _is_maintained(line, terms_of(product).released) else None


def _is_maintained(line: Entitlement, released: date | None) -> bool:
    until = line.maintenance_until
    return until is not None and released is not None and released <= until
