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


CREATIVE_CLOUD = """\
<software_identification_tag xmlns="http://standards.iso.org/iso/19770/-2/2009/schema.xsd"
  xmlns:acme="urn:acme">
  <entitlement_required_indicator>1</entitlement_required_indicator>
  <product_title> Photoshop </product_title>
  <product_version>{version}</product_version>
  <software_licensor><name>Adobe Inc.</name></software_licensor>
  <license_linkage><activation_status>activated</activation_status>
    <channel_type>VOLUME</channel_type></license_linkage>
  <serial_number>1330-1234-5678-9012-3456-7890</serial_number>
  <acme:extension><acme:name>something else</acme:name></acme:extension>
</software_identification_tag>
"""
NUMERIC = (
    "<numeric><major>16</major><minor>1</minor><build>{build}</build><review>0</review></numeric>"
)


@pytest.mark.parametrize(
    ("version", "expected", "called"),
    [
        ("<name>CC 2015</name>" + NUMERIC.format(build=2), "16.1.2", "CC 2015"),
        ("<name>16.1</name>" + NUMERIC.format(build=2), "16.1", None),
        (NUMERIC.format(build=0), "16.1", None),
        ("<name>CC 2015</name>", "CC 2015", None),
        ("", "", None),
    ],
)
def test_a_version_of_2009_is_its_name_or_where_that_is_no_number_its_numbers(
    version: str, expected: str, called: str | None
) -> None:
    (found,) = swid.parse(CREATIVE_CLOUD.format(version=version).encode())

    assert (found.name, found.version) == ("Photoshop", expected)
    assert found.identifiers.get("version_name") == called


def test_a_tag_of_2009_tells_its_channel_and_never_its_serial_number() -> None:
    (found,) = swid.parse(CREATIVE_CLOUD.format(version="").encode())

    assert found.publisher == "Adobe Inc."
    assert found.identifiers["channel_type"] == "VOLUME"
    assert found.identifiers["activation_status"] == "activated"
    assert "1330" not in repr(found)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_a_tag_is_read_in_any_unicode(encoding: str) -> None:
    (found,) = swid.parse(TAG_2015.format(kind='versionScheme="semver"').encode(encoding))

    assert found.name == "Éditeur Pro"
    assert found.identifiers["version_scheme"] == "semver"


@pytest.mark.parametrize(("kind", "hidden"), [('patch=" True "', True), ('patch="false"', False)])
def test_a_patch_s_tag_is_hidden(kind: str, hidden: bool) -> None:
    (found,) = swid.parse(TAG_2015.format(kind=kind).encode())

    assert found.hidden == hidden


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
