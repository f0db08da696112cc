"""Licence lists of every form give the same neutral lines; what is none gives one sentence."""

import io
import json
import random
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quitus_collector.adapters import pools
from quitus_collector.adapters.pools import cyclonedx, delimited, entitlement_xml, workbook
from quitus_collector.domain.entitlement import Channel
from quitus_collector.errors import UsageError
from quitus_collector.services.intake.drafting import draft
from quitus_collector.services.intake.lines import Reading
from tests.makers import licence_lists as lists
from tests.makers.licence_lists import a_component

HEADER = "id;produit;quantité;facture"
ROWS = [
    ["id", "produit", "quantité", "fin"],
    ["A", "Visio Professionnel 2019", 3, "31/12/2026"],
    ["B", "Acrobat Pro 2020", "1 000", None],
]


def read(tmp_path: Path, content: bytes, form: str = "auto", name: str = "liste") -> Reading:
    file = tmp_path / name
    file.write_bytes(content)
    return pools.read(file, form)


def told(reading: Reading) -> list[str]:
    return [f"{each.where}, {each.column}: {each.what}" for each in reading.problems]


# --- Tables as text ---


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_text_is_read_as_spreadsheets_save_it(
    tmp_path: Path, delimiter: str, encoding: str, newline: str
) -> None:
    rows = (["id", "produit", "quantité", "preuve"], ["A", "Visio", "1", "Contrat cadre été"])
    text = "".join(delimiter.join(row) + newline for row in rows)

    (line,) = read(tmp_path, text.encode(encoding)).lines

    assert line.cells["proof"] == "Contrat cadre été"
    assert line.columns["quantity"] == "quantité (C)"


def test_the_separator_is_the_one_that_shows_headings() -> None:
    text = 'Liste, au 3 mars, du parc, mise à jour\nid;produit;quantité\nA;Visio;"1,5"\n'

    (line,) = delimited.parse(text).lines

    assert line.cells["quantity"] == "1,5"


def test_a_cell_may_span_lines_and_lines_are_counted_as_editors_do() -> None:
    text = f'{HEADER}\n\n;;;\nA;Visio;1;"page 1\npage 2"\nB;Visio;2;un\x0bdeux\u2028trois\nC;V;3;\n'

    assert [str(line.where) for line in delimited.parse(text).lines] == [
        "line 4",
        "line 6",
        "line 7",
    ]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (f'{HEADER}\nA;Visio;1;x\nB;"Visio;1;y\n', "line 3, : is no row of a table: unexpected"),
        (f'{HEADER}\nA;"Vi"sio;1;x', "line 2, : is no row of a table: ';' expected after"),
        ("", "line 1, : there is nothing in it"),
    ],
)
def test_a_broken_table_says_where_it_breaks(text: str, complaint: str) -> None:
    (said,) = told(delimited.parse(text))

    assert said.startswith(complaint)


# --- Workbooks ---


def test_a_workbook_is_read_with_its_numbers_and_days(tmp_path: Path) -> None:
    content = lists.workbook({"Lisez-moi": [["Parc"]], "Licences": [["Parc"], [], *ROWS]})

    reading = read(tmp_path, content, name="parc.csv")

    assert reading.form == "xlsx"
    assert [(str(line.where), line.cells["quantity"]) for line in reading.lines] == [
        ("sheet Licences, row 4", 3),
        ("sheet Licences, row 5", "1 000"),
    ]
    assert [str(note) for note in reading.notes] == [
        "sheet Lisez-moi: no headings that are known, passed over"
    ]


def test_every_sheet_with_headings_is_read(tmp_path: Path) -> None:
    reading = read(tmp_path, lists.workbook({"2025": ROWS, "2026": ROWS}))

    assert len(reading.lines) == 4


def test_a_workbook_without_headings_says_what_it_lacks(tmp_path: Path) -> None:
    assert told(read(tmp_path, lists.workbook({"Feuil1": [["Produit", "Prix"]]})))[0].startswith(
        "sheet Feuil1, row 1, : no heading tells the quantity"
    )


@pytest.mark.parametrize(
    ("limit", "complaint"), [("MAX_ROWS", "2 rows"), ("MAX_CELLS", "2 filled cells")]
)
def test_a_sheet_that_is_too_large_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str, complaint: str
) -> None:
    monkeypatch.setattr(workbook, limit, 2)

    with pytest.raises(UsageError, match=f"its sheet 'L' has more than {complaint}"):
        read(tmp_path, lists.workbook({"L": ROWS}))


def test_a_workbook_that_unpacks_to_too_much_is_refused(tmp_path: Path) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
        with archive.open("xl/sharedStrings.xml", "w") as part:
            for _ in range(101):
                part.write(b"\0" * (1 << 20))

    with pytest.raises(UsageError, match="unpacks to more than 100 MiB"):
        read(tmp_path, file.getvalue())


def test_what_has_more_tags_than_any_list_is_refused_before_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workbook, "MAX_TAGS", 20)
    monkeypatch.setattr(entitlement_xml, "MAX_TAGS", 20)

    with pytest.raises(UsageError, match="has more than 20 cells"):
        read(tmp_path, lists.workbook({"L": ROWS}))
    with pytest.raises(UsageError, match="more than 20 tags"):
        read(tmp_path, b"<a>" + b"<b/>" * 20 + b"</a>")


def test_entities_in_a_workbook_are_refused(tmp_path: Path) -> None:
    whole = io.BytesIO(lists.workbook({"L": ROWS}))
    bomb = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "ha">]><workbook>&a;</workbook>'
    file = io.BytesIO()
    with zipfile.ZipFile(whole) as source, zipfile.ZipFile(file, "w") as target:
        for part in source.namelist():
            target.writestr(part, bomb if part == "xl/workbook.xml" else source.read(part))

    with pytest.raises(UsageError, match="is no workbook, or is damaged"):
        read(tmp_path, file.getvalue())


# --- Microsoft Licence Statements ---


@pytest.mark.parametrize("language", ["en", "fr"])
def test_a_statement_is_read_in_either_language(tmp_path: Path, language: str) -> None:
    reading = read(tmp_path, lists.statement(language))

    assert reading.form == "mls"
    assert [(line.cells["product"], line.cells["quantity"]) for line in reading.lines] == [
        ("Office Professional Plus", 120),
        ("Visio Professional", 15),
        ("SQL Server Standard Core", 16),
        ("Windows Server User CAL", 200),
    ]
    first = draft(reading.lines[0])
    assert first.problems == ()
    assert first.told["id"] == "MLS / Applications / Office Professional Plus / 2019"
    assert first.told["channel"] is Channel.VOLUME
    assert first.told["downgrade"]
    assert first.told["proof"] == "Microsoft License Statement 2026-09-30"
    assert reading.problems == []


@pytest.mark.parametrize("language", ["en", "fr"])
def test_a_statement_says_nothing_of_what_upgrades_need(tmp_path: Path, language: str) -> None:
    reading = read(tmp_path, lists.statement(language))

    (upgrade,) = reading.undecided
    (assured,) = reading.notes
    assert str(upgrade.what).startswith("80 upgrade licences of Windows Enterprise 10")
    assert str(assured).startswith("Software Assurance is active on 1 lines")


def test_a_statement_with_a_broken_quantity_says_where(tmp_path: Path) -> None:
    content = lists.statement("fr", [("A", "Visio Professional", "2016", "beaucoup", 0, 0, 0)])

    assert told(read(tmp_path, content)) == [
        "sheet Données croisées, row 11, Quantité effective de licences (D): "
        "'beaucoup' is not a whole number from 0 on"
    ]


def test_what_is_asked_for_as_a_statement_must_be_one(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is no Microsoft Licence Statement"):
        read(tmp_path, lists.workbook({"L": ROWS}), "mls")


# --- CycloneDX ---


LICENSING = {
    "altIds": ["acme-1"],
    "licensor": {"organization": {"name": "Adobe"}},
    "purchaser": {"organization": {"name": "Mercure SAS"}},
    "purchaseOrder": "PO-12345",
    "licenseTypes": ["named-user", "subscription"],
    "lastRenewal": "2026-01-01T00:00:00Z",
    "expiration": "2026-12-31T00:00:00Z",
}


def test_the_licensing_of_components_is_read(tmp_path: Path) -> None:
    component = a_component("Acrobat Pro", "2020", LICENSING, quantity="12")
    inner = a_component("Photoshop", "2024", {**LICENSING, "altIds": ["acme-2"]}, quantity="3")
    outer = {"name": "suite", "components": [inner], "licenses": [{"license": {"id": "MIT"}}]}

    reading = read(tmp_path, lists.cyclonedx(component, outer))

    first, second = map(draft, reading.lines)
    assert first.told["id"] == "acme-1"
    assert (first.quantity, first.metric, first.told["channel"]) == (12, "user", "subscription")
    assert f"{first.told['valid_until']}" == "2026-12-31"
    assert first.named["publisher"] == "Adobe"
    assert first.told["proof"] == "PO-12345"
    assert (second.told["id"], str(second.where)) == (
        "acme-2",
        "components[1].components[0].licenses[0].license",
    )


def test_a_licence_of_one_person_is_one() -> None:
    licensing = {**LICENSING, "licensee": {"individual": {"name": "Anne"}}}

    (line,) = cyclonedx.read(lists.cyclonedx(a_component("Acrobat", "2020", licensing))).lines

    assert draft(line).quantity == 1


def test_a_licence_without_a_number_asks_for_it() -> None:
    (line,) = cyclonedx.read(lists.cyclonedx(a_component("Acrobat", "2020", LICENSING))).lines

    (problem,) = draft(line).problems
    assert (problem.column, str(problem.what)) == ("properties", "is empty")


def test_an_evaluation_entitles_to_nothing() -> None:
    licensing = {**LICENSING, "licenseTypes": ["evaluation"]}

    (said,) = told(cyclonedx.read(lists.cyclonedx(a_component("X", "1", licensing, quantity="1"))))

    assert "evaluation is nothing that licences are counted by" in said


def test_a_bill_without_licensing_says_so() -> None:
    (said,) = told(cyclonedx.read(lists.cyclonedx({"name": "curl"})))

    assert said == "components, : no licence of a component has `licensing`"


# --- ISO/IEC 19770-3 ---


def test_entitlements_in_xml_are_read_by_their_names(tmp_path: Path) -> None:
    reading = read(tmp_path, lists.ENTITLEMENTS)

    first, second = map(draft, reading.lines)
    assert (first.told["id"], first.quantity, first.metric) == ("ENT-1", 25, "device")
    assert first.named == {
        "product": "Visio Professional",
        "version": "2019",
        "publisher": "Microsoft",
    }
    assert first.told["proof"] == "PO-77"
    assert f"{second.told['valid_until']}" == "2027-06-30"
    assert second.metric == "user"
    assert str(second.where) == "/EntitlementLibrary/Entitlement[2]"


def test_xml_that_contradicts_itself_says_where(tmp_path: Path) -> None:
    content = b"<Ent><Product name='X'/><Quantity>1</Quantity><Quantity>2</Quantity></Ent>"

    assert told(read(tmp_path, content)) == [
        "/Ent, Quantity: says quantity again, and otherwise: '2'"
    ]


# --- What is none of them ---


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"PK\x03\x04\x00\x00binary", "is no workbook, or is damaged"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "save it as .xlsx"),
        (b"%PDF-1.7", "is a PDF: keep it as a proof"),
        (b"{", "is not JSON"),
        (b"{}", "is JSON, but no CycloneDX"),
        (b"[" * 100_000, "no row has headings"),
        (b"{" + b'"a":[' * 100_000, "is not JSON"),
        (b"<a>", "is not XML"),
        (b"<a/>", "has no entitlement"),
        (b"<Ent>" * 60 + b"</Ent>" * 60, "more than 50 levels"),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><Ent>&b;</Ent>', "entities, which are refused"),
        (b"id;produit\0;quantite\n", "is not a text file"),
    ],
)
def test_what_is_no_list_is_refused_in_a_sentence(
    tmp_path: Path, content: bytes, complaint: str
) -> None:
    try:
        said = told(read(tmp_path, content))[0]
    except UsageError as error:
        said = str(error)
        assert said.startswith(f"{tmp_path / 'liste'}: ")

    assert complaint in said


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="pools: No such file or directory"):
        pools.read(tmp_path / "pools")


WHOLE = {
    "csv": f"{HEADER}\nA;Visio 2019;3;F-1\n".encode(),
    "xlsx": lists.workbook({"L": ROWS}),
    "mls": lists.statement("fr"),
    "cyclonedx": lists.cyclonedx(a_component("Acrobat", "2020", LICENSING, quantity="1")),
    "ent": lists.ENTITLEMENTS,
}


def damaged(content: bytes, chance: random.Random) -> bytes:
    changed = bytearray(content)
    for _ in range(chance.randrange(1, 6)):
        place = chance.randrange(len(changed))
        changed[place : place + chance.randrange(3)] = chance.randbytes(chance.randrange(4))
    return bytes(changed)


def damaged_inside(content: bytes, chance: random.Random) -> bytes:
    """A workbook that is a whole ZIP file with a damaged part."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(file, "w") as target:
        victim = chance.choice(source.namelist())
        for part in source.namelist():
            whole = source.read(part)
            target.writestr(part, damaged(whole, chance) if part == victim else whole)
    return file.getvalue()


@pytest.mark.parametrize("form", WHOLE)
@settings(deadline=None)
@given(chance=st.randoms(use_true_random=False))
def test_damaged_files_are_read_or_refused(form: str, chance: random.Random) -> None:
    is_workbook = WHOLE[form].startswith(b"PK") and chance.random() < 0.7
    content = (damaged_inside if is_workbook else damaged)(WHOLE[form], chance)

    try:
        reading = pools.FORMS[form](content)
    except UsageError:
        return

    for line in reading.lines:
        draft(line)


@settings(deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "components",
                        "licenses",
                        "license",
                        "licensing",
                        "name",
                        "properties",
                        "licenseTypes",
                        "altIds",
                        "licensor",
                        "organization",
                        "metadata",
                    ]
                ),
                inner,
            )
        ),
    )
)
def test_bills_of_any_shape_are_read_or_refused(shape: object) -> None:
    document = {"bomFormat": "CycloneDX", "components": shape, "metadata": shape}

    for line in cyclonedx.read(json.dumps(document).encode()).lines:
        draft(line)
