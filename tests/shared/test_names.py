"""Real display names with the right answers."""

import json
from pathlib import Path

import pytest

from quitus_collector.adapters.catalogue import files as catalogue_files
from quitus_collector.domain.install import Install
from quitus_collector.domain.recognition import SoftwareClass
from tests.builders import shipped_catalogue
from tests.capabilities import SHARED

pytestmark = pytest.mark.needs("shared")
NAMES = SHARED / "catalogue/names.jsonl"
COUNTED = (SoftwareClass.COMMERCIAL, SoftwareClass.FREE)


def cases(file: Path) -> list[object]:
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    found = [json.loads(line) for line in lines]
    return [pytest.param(each, id=each["name"]) for each in found] or [None]


@pytest.fixture(scope="module")
def catalogue() -> catalogue_files.Catalogue:
    """The catalogue as it is shipped."""
    return shipped_catalogue()


@pytest.mark.parametrize("case", cases(NAMES))
def test_a_real_name_gets_the_stated_answer(
    case: dict[str, object], catalogue: catalogue_files.Catalogue
) -> None:
    install = Install(
        str(case["name"]),
        version=str(case["version"] or ""),
        publisher=str(case["publisher"] or ""),
        source=str(case["source"]),
    )

    found = catalogue.recognise(install)

    product = found.product if found.software_class in COUNTED else None
    assert {"product": product, "class": found.software_class.value} == case["expect"]
