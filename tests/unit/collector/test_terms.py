"""What counting asks of a catalogue comes back from its column whole."""

from quitus_collector.adapters.catalogue import files as catalogue_files
from quitus_collector.adapters.sql.terms import pack_terms, unpack_terms


def test_counting_terms_come_back_as_they_were() -> None:
    terms = catalogue_files.load().counting

    back = unpack_terms(terms.digest, terms.version, pack_terms(terms))

    assert back.versioned == terms.versioned
    assert back.contested == terms.contested
    assert len(back.contested) == 5
    assert back.products.keys() == terms.products.keys()
    for line, product in terms.products.items():
        kept = back.products[line]
        assert (kept.label, kept.metric, kept.subscription) == (
            product.label,
            product.metric,
            product.subscription,
        )
        assert (kept.rank, kept.includes, kept.terms) == (
            product.rank,
            product.includes,
            product.terms,
        )
        assert dict(kept.version_names) == dict(product.version_names)
        assert {each.version: each.released for each in kept.releases} == {
            each.version: each.released for each in product.releases if each.released
        }
