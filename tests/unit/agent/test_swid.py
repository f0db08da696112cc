"""Software identification tags of both editions."""

from pathlib import Path

import pytest

from quitus_agent.errors import SourceError
from quitus_agent.sources import swid

TAG_2009 = Path("tests/captures/swid/acrobat-2009.swidtag")
TAG_2015 = """\
<?xml version="1.0" encoding="utf-8"?>
<SoftwareIdentity xmlns="http://standards.iso.org/iso/19770/-2/2015/schema.xsd"
  name="Éditeur Pro" tagId="editeur-pro-7" version="7.1" {kind}>
  <Entity name="Éditeur SA" regid="editeur.example" role="tagCreator softwareCreator"/>
  <Meta product="Éditeur" edition="Pro" entitlementDataRequired="true" arch="x86_64"/>
</SoftwareIdentity>
"""


def placed(root: Path, place: str, kind: str = "") -> Path:
    file = root / place
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(TAG_2015.format(kind=kind), encoding="utf-8")
    return file


def test_a_tag_of_2015_states_product_edition_and_whether_it_needs_a_licence(
    tmp_path: Path,
) -> None:
    placed(tmp_path, "usr/share/swidtag/editeur.example/pro.swidtag")

    assert swid.available(tmp_path)
    (found,) = swid.scan(tmp_path)

    assert (found.name, found.version, found.publisher) == ("Éditeur Pro", "7.1", "Éditeur SA")
    assert found.architecture == "x86_64"
    assert found.identifiers == {
        "tag_id": "editeur-pro-7",
        "regid": "editeur.example",
        "product": "Éditeur",
        "edition": "Pro",
        "entitlement_required": "true",
    }


def test_a_tag_of_2009_says_the_same_in_its_own_words() -> None:
    (found,) = swid.read(TAG_2009)

    assert (found.name, found.version) == ("Acrobat Pro", "11.0.23")
    assert found.publisher == "Adobe Systems Incorporated"
    assert found.identifiers == {
        "tag_id": "AcrobatPro-AS1-Win-GM-MUL",
        "regid": "regid.1986-12.com.adobe",
        "entitlement_required": "true",
    }


@pytest.mark.parametrize(
    "place",
    [
        "ProgramData/regid.1986-12.com.adobe/a.swidtag",
        "Program Files/Editeur/swidtag/a.swidtag",
        "Library/Application Support/regid.2010-01.com.example/a.swidtag",
        "Applications/Editeur.app/Contents/Resources/a.swidtag",
        "opt/editeur/swidtag/a.swidtag",
    ],
)
def test_tags_are_found_where_installers_put_them(tmp_path: Path, place: str) -> None:
    placed(tmp_path, place)

    assert [each.name for each in swid.scan(tmp_path)] == ["Éditeur Pro"]


def test_a_patch_is_flagged_and_media_and_supplements_are_no_software(tmp_path: Path) -> None:
    (patch,) = swid.read(placed(tmp_path, "patch", 'patch="true"'))

    assert patch.hidden
    assert list(swid.read(placed(tmp_path, "corpus", 'corpus="true"'))) == []
    assert list(swid.read(placed(tmp_path, "supplement", 'supplemental="1"'))) == []


BOMB = (
    '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
    "<SoftwareIdentity name='&b;'/>"
)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (BOMB, "declares entities"),
        ("<a>" * 200, "is nested too deep"),
        ("<SoftwareIdentity name='x'", "line 1"),
        ("<SoftwareIdentity version='1'/>", "a tag has no name"),
        ("", "line 1: no element found"),
    ],
)
def test_a_hostile_or_broken_tag_is_a_failure_that_names_the_file(
    tmp_path: Path, content: str, complaint: str
) -> None:
    file = tmp_path / "usr/share/swidtag/x/x.swidtag"
    file.parent.mkdir(parents=True)
    file.write_text(content)

    with pytest.raises(SourceError, match=f"{file}: {complaint}"):
        list(swid.scan(tmp_path))
