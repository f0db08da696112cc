"""Why a figure is what it is and what could be done about it, asked as an operator would."""

import json
from pathlib import Path

import openpyxl
import pytest

from quitus_collector.adapters.sql.store import SQLStore
from quitus_collector.domain.install import DeviceFacts
from quitus_collector.services.reporting import accept_report
from tests.builders import a_certificate, a_device, a_report, an_install, an_inventory
from tests.fakes.clock import FakeClock
from tests.programs import CollectorFolder

pytestmark = pytest.mark.e2e
OFFICE = "microsoft/office/standard@2019"
NAMES = {"d-1": "poste-1", "d-2": "poste-2"}


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> CollectorFolder:
    """Two devices with one product, and one licence for it; no test changes anything."""
    folder = tmp_path_factory.mktemp("position")
    collector = CollectorFolder(folder / "collector")
    collector.ok("init")
    store = SQLStore(f"sqlite:///{collector.home / 'quitus.db'}")
    with store.writing() as work:
        for device in NAMES:
            work.devices.add(a_device(device))
    office = an_install("Microsoft Office Standard 2019", publisher="Microsoft Corporation")
    for device in NAMES:
        said = a_report(
            an_inventory(office, facts=DeviceFacts(hostname=NAMES[device])), receipt=b""
        )
        with store.reading() as work:
            known = work.devices.get(device)
        accept_report(store, FakeClock(), a_certificate(known), said)
    store.close()
    pools = folder / "pools.csv"
    pools.write_text(f"id;product;quantity;channel;proof\nVL-1;{OFFICE};1;volume;Facture F-1\n")
    collector.ok("pools", "import", str(pools))
    return collector


def test_a_figure_is_explained_down_to_record_rule_and_proof(fleet: CollectorFolder) -> None:
    shown = fleet.ok("explain", OFFICE)
    document = json.loads(fleet.ok("explain", OFFICE, "--format", "json"))

    for said in ("Microsoft Office Standard 2019", "Facture F-1", "Microsoft Corporation"):
        assert said in shown
    assert "Ce qui changerait le chiffre" in shown
    assert [each["covered"] for each in document["devices"]] == [True, False]
    assert document["line"]["missing"] == 1
    assert all(each["recognition"]["rule"] for each in document["records"])


def test_changes_are_tried_and_nothing_is_kept(fleet: CollectorFolder) -> None:
    before = fleet.ok("position", "--format", "csv")

    tried = json.loads(fleet.ok("what-if", "--with", f"{OFFICE}=1", "--format", "json"))

    assert tried["missing"] == {"before": 1, "after": 0}
    assert fleet.ok("position", "--format", "csv") == before


def test_a_price_list_gives_the_cheapest_remedy(fleet: CollectorFolder, tmp_path: Path) -> None:
    prices = tmp_path / "prices.csv"
    prices.write_text(f"id;product;price;source\nO-1;{OFFICE};412,50;Devis 7\n")

    shown = fleet.ok("remedies", "--prices", str(prices))
    document = json.loads(fleet.ok("remedies", "--prices", str(prices), "--format", "json"))

    assert "412,50" in shown
    assert "Devis 7" in shown
    assert (document["cost"], document["gaps"][0]["plan"]["missing"]) == ("412.50", {})


def test_the_position_is_written_as_a_workbook(fleet: CollectorFolder, tmp_path: Path) -> None:
    file = tmp_path / "position.xlsx"

    fleet.ok("position", "--format", "xlsx", "--out", str(file))

    heading, row = openpyxl.load_workbook(file).worksheets[0].iter_rows(values_only=True)
    found = dict(zip(heading, row, strict=True))
    assert (found["Licences en volume"], found["Écart"], found["État"]) == (1, -1, "écart")


def test_what_makes_no_sense_is_refused_in_a_sentence(
    fleet: CollectorFolder, tmp_path: Path
) -> None:
    wrong = (
        (("explain", "microsoft/nothing"), "the catalogue has no product 'microsoft/nothing'"),
        (("explain", OFFICE, "--device", "elsewhere"), "is not counted on 'elsewhere'"),
        (("what-if",), "nothing to try"),
        (("what-if", "--without", f"{OFFICE}:elsewhere"), "name or id 'elsewhere'"),
        (("what-if", "--with", OFFICE), "is not PRODUCT=QUANTITY"),
        (("remedies", "--prices", str(tmp_path / "none.csv")), "none.csv: No such file"),
        (("position", "--format", "xlsx"), "a workbook needs a file"),
        (("position", "--out", str(tmp_path / "x")), "a table goes to the terminal"),
    )
    for words, complaint in wrong:
        answer = fleet.run(*words)
        assert (answer.status, answer.out) == (2, ""), answer
        assert complaint in answer.err
