"""What counting asked of a catalogue, packed into one column."""

import json
import zlib
from collections.abc import Mapping
from dataclasses import asdict
from datetime import date
from typing import Any

from quitus_collector.domain.catalogue import CountingTerms
from quitus_collector.domain.contested import ContestedRule, Effect, Reading
from quitus_collector.domain.entitlement import Metric
from quitus_collector.domain.product import Product, Release, Terms


def pack_terms(terms: CountingTerms) -> bytes:
    """What `unpack_terms` reads back."""
    products = {line: _packed_product(each) for line, each in sorted(terms.products.items())}
    contested = [asdict(each) for each in terms.contested]
    told = [products, sorted(terms.versioned), contested]
    text = json.dumps(told, ensure_ascii=False, default=str)
    return zlib.compress(text.encode(), 9)


def _packed_product(product: Product) -> dict[str, Any]:
    """What counting asks of a product; what says nothing is left out."""
    told = {
        "label": product.label,
        "metric": product.metric,
        "version_names": dict(product.version_names),
        "subscription": product.subscription,
        "rank": product.rank,
        "includes": product.includes,
        "continues": product.continues,
        "released": {each.version: each.released for each in product.releases if each.released},
        "terms": [_told_of(asdict(each)) for each in product.terms],
    }
    return _told_of(told)


def _told_of(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value}


def unpack_terms(digest: str, version: str, packed: bytes) -> CountingTerms:
    """The terms of the catalogue of this digest and version."""
    # Catalogues that were packed before rules could be contested have none.
    products, versioned, *contested = json.loads(zlib.decompress(packed))
    return CountingTerms(
        digest,
        version,
        {line: _unpacked_product(line, each) for line, each in products.items()},
        frozenset(versioned),
        tuple(_unpacked_rule(each) for rules in contested for each in rules),
    )


def _unpacked_rule(told: dict[str, Any]) -> ContestedRule:
    values = _with_days(told)
    values |= {name: tuple(told.get(name, ())) for name in ("sources", "publishers")}
    values |= {"effect": Effect(told["effect"]), "declared": Reading(told["declared"])}
    return ContestedRule(**values)


def _unpacked_product(line: str, told: dict[str, Any]) -> Product:
    released = told.get("released", {}).items()
    return Product(
        line,
        told["label"],
        Metric(told["metric"]),
        version_names=told.get("version_names", {}),
        includes=tuple(told.get("includes", ())),
        rank=told.get("rank", 0),
        releases=tuple(Release(version, date.fromisoformat(day)) for version, day in released),
        terms=tuple(map(_unpacked_term, told.get("terms", ()))),
        subscription=told.get("subscription", False),
        continues=told.get("continues", ""),
    )


def _unpacked_term(told: dict[str, Any]) -> Terms:
    return Terms(**(_with_days(told) | {"metric": Metric(told["metric"])}))


def _with_days(told: dict[str, Any]) -> dict[str, Any]:
    days = [name for name in ("valid_from", "valid_until") if told.get(name)]
    return told | {name: date.fromisoformat(told[name]) for name in days}
