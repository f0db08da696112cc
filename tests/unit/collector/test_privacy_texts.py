"""No datum leaves a device without words for it, in both languages."""

from pathlib import Path

import pytest

from quitus.v1 import inventory_pb2
from quitus_agent import sources
from quitus_collector.adapters.privacy_pack import texts

NOWHERE = Path("/nonexistent")


@pytest.mark.parametrize("language", ["fr", "en"])
def test_every_field_of_the_wire_and_every_source_is_described(language: str) -> None:
    found = texts(language, NOWHERE)

    assert set(found.facts) == set(inventory_pb2.DeviceFacts.DESCRIPTOR.fields_by_name)
    assert set(found.rows) == set(inventory_pb2.Install.DESCRIPTOR.fields_by_name)
    assert set(found.sources) == {sources.source_name(each) for each in sources.ALL}


def test_both_languages_have_the_same_papers() -> None:
    french, english = texts("fr", NOWHERE), texts("en", NOWHERE)

    shape = [[(part.when, part.table) for part in paper.sections] for paper in french.papers]
    assert shape == [
        [(part.when, part.table) for part in paper.sections] for paper in english.papers
    ]
