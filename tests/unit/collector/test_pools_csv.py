from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quitus_collector.adapters import pools_csv
from quitus_collector.domain.entitlement import UNLIMITED, Channel, Entitlement, Metric
from quitus_collector.errors import UsageError

HEADER = "id,product,quantity"


def test_a_line_has_everything_an_entitlement_can_say() -> None:
    text = (
        "id;product;quantity;metric;downgrade;bound_to;entity;valid_from;valid_until;proof\n"
        "VL-1;microsoft/office/standard@2019;1 250;device;oui;;999000110;2019-05-01;;Facture n°7\n"
    )

    (line,) = pools_csv.parse(text)

    assert line.number == 2
    assert line.entitlement == Entitlement(
        "VL-1",
        "microsoft/office/standard@2019",
        1250,
        Metric.DEVICE,
        downgrade=True,
        entity="999000110",
        valid_from=date(2019, 5, 1),
        proof="Facture n°7",
    )


def test_every_right_has_a_column() -> None:
    columns = "metric,edition_downgrade,maintenance_until,second_use,virtual_machines,requires_base"
    text = (
        f"{HEADER},{columns},devices_per_user\n"
        "A,a/b@2,1,device,oui,2026-12-31,x,,a/b,\n"
        "B,a/b@2,1,core,,,,illimité,,\n"
        "C,a/b@2,1,processor,,,,2,,\n"
        "D,a/b@2,1,user,,,,,,5\n"
    )

    upgrade, host, two, seat = (line.entitlement for line in pools_csv.parse(text))

    assert upgrade.edition_downgrade
    assert upgrade.second_use
    assert upgrade.requires_base == "a/b"
    assert upgrade.maintenance_until == date(2026, 12, 31)
    assert (host.virtual_machines, two.virtual_machines) == (UNLIMITED, 2)
    assert seat.devices_per_user == 5


def test_a_line_says_how_it_was_bought() -> None:
    text = f"{HEADER},channel\nA,a/b,1,used\nB,a/b,1,\n"

    used, unstated = (line.entitlement for line in pools_csv.parse(text))

    assert (used.channel, unstated.channel) == (Channel.USED, Channel.UNSTATED)


@pytest.mark.parametrize(
    ("cells", "complaint"),
    [
        ("user,x,", "second_use does not go with the metric user"),
        ("user,,0", "devices_per_user is 0: leave it empty for no limit"),
        ("device,,3", "devices_per_user does not go with the metric device"),
    ],
)
def test_a_right_that_does_not_go_with_the_metric_is_refused(cells: str, complaint: str) -> None:
    text = f"{HEADER},metric,second_use,devices_per_user\nA,a/b,1,{cells}\n"

    with pytest.raises(UsageError, match=f"line 2: {complaint}"):
        pools_csv.parse(text)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_files_are_read_as_spreadsheets_save_them(
    tmp_path: Path, delimiter: str, encoding: str, newline: str
) -> None:
    rows = (["id", "product", "quantity", "proof"], ["A", "a/b", "1", "Contrat cadre été"])
    text = "".join(delimiter.join(row) + newline for row in rows)
    file = tmp_path / "pools.csv"
    file.write_bytes(text.encode(encoding))

    (line,) = pools_csv.read(file)

    assert line.entitlement.proof == "Contrat cadre été"


def test_empty_lines_are_skipped_and_a_cell_may_span_lines() -> None:
    text = f'{HEADER},proof\n\n,,,\nA,a/b,1,"page 1\npage 2"\nB,a/b,2,x\n'

    assert [(line.number, line.entitlement.id) for line in pools_csv.parse(text)] == [
        (5, "A"),
        (6, "B"),
    ]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "line 1: the headings are missing"),
        ("id,product", "line 1: the heading 'quantity' is missing"),
        (f"{HEADER},qty", "line 1: unknown heading 'qty'; known: id, product, quantity, metric"),
        (f"{HEADER},id", "line 1: the heading 'id' is there twice"),
        (f"{HEADER}\nA,a/b,-1", "line 2: quantity '-1' is not a whole number from 0 on"),
        (f"{HEADER}\nA,a/b,1.5", "line 2: quantity '1.5' is not a whole number"),
        (f"{HEADER}\nA,a/b,", "line 2: quantity '' is not a whole number"),
        (f"{HEADER}\nA,a/b", "line 2: quantity is empty"),
        (f"{HEADER}\n,a/b,1", "line 2: id is empty"),
        (f"{HEADER}\nA,Office 2016,1", "line 2: product 'Office 2016' is not publisher/family"),
        (f"{HEADER}\nA,a/b,1,x", "line 2: 4 cells under 3 headings"),
        (f"{HEADER}\nA,a/b,1\nA,a/b,2", "line 3: the id 'A' is on line 2 too"),
        (f"{HEADER},entity\nA,a/b,1,Mercure SAS", "line 2: entity 'Mercure SAS' is not a SIREN"),
        (f'{HEADER}\nA,a/b,1\nB,"a/b,1\n', "line 3: unexpected end of data"),
        (f'{HEADER}\nA,"a"/b,1', "line 2: ',' expected after"),
        (f"{HEADER},metric\nA,a/b,1,seat", "line 2: metric 'seat' is not one of device, user"),
        (f"{HEADER},downgrade\nA,a/b,1,peut-être", "line 2: downgrade 'peut-être' is neither"),
        (f"{HEADER},valid_from\nA,a/b,1,31/12/2026", "line 2: valid_from '31/12/2026' is not"),
        (
            f"{HEADER},valid_from,valid_until\nA,a/b,1,2026-02-01,2026-01-01",
            "line 2: valid_from is after valid_until",
        ),
    ],
)
def test_a_wrong_file_is_refused_with_the_line_and_the_column(text: str, complaint: str) -> None:
    with pytest.raises(UsageError) as raised:
        pools_csv.parse(text)

    assert str(raised.value).startswith(complaint)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"PK\x03\x04\x00\x00binary", "is not a text file"),
        (b'id,product,quantity\nA,"a/b,1\n', "unexpected end of data"),
    ],
)
def test_what_is_not_a_csv_file_is_refused_by_name(
    tmp_path: Path, content: bytes, complaint: str
) -> None:
    file = tmp_path / "pools.csv"
    file.write_bytes(content)

    with pytest.raises(UsageError, match=complaint) as raised:
        pools_csv.read(file)

    assert str(raised.value).startswith(f"{file}: ")


def test_a_siren_may_be_written_in_groups() -> None:
    (line,) = pools_csv.parse(f"{HEADER},entity\nA,a/b,1,999 000 110\n")

    assert line.entitlement.entity == "999000110"


def test_lines_are_counted_as_editors_count_them() -> None:
    text = f"{HEADER},proof\nA,a/b,1,one\x0btwo\u2028three\nB,a/b,x,\n"

    with pytest.raises(UsageError, match="line 3: quantity 'x'"):
        pools_csv.parse(text)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"pools\.csv: No such file or directory"):
        pools_csv.read(tmp_path / "pools.csv")


@given(st.text(max_size=200))
def test_no_text_does_anything_but_parse_or_be_refused(text: str) -> None:
    try:
        pools_csv.parse(text)
    except (UsageError, pools_csv.csv.Error):
        return
