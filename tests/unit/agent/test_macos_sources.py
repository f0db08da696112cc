"""macOS: bundles on a disk, what system_profiler printed, receipts, Office's licence files."""

import json
import plistlib
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from quitus_agent import device, plists, sources
from quitus_agent.errors import SourceError
from quitus_agent.sources import macos_applications, macos_office, macos_receipts

WORD = {
    "CFBundleDisplayName": "Microsoft Word",
    "CFBundleIdentifier": "com.microsoft.Word",
    "CFBundleShortVersionString": "16.83",
    "NSHumanReadableCopyright": "© 2024 Microsoft Corporation. All rights reserved.",
}


def plist(path: Path, document: Any, form: Any = plistlib.FMT_XML) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(plistlib.dumps(document, fmt=form))
    return path


@pytest.fixture
def mac(tmp_path: Path) -> Path:
    """A mounted disk of a Mac with Office and one person's own application."""
    version = {"ProductName": "macOS", "ProductVersion": "14.3.1"}
    plist(tmp_path / "System/Library/CoreServices/SystemVersion.plist", version)
    plist(tmp_path / "Applications/Microsoft Word.app/Contents/Info.plist", WORD)
    plist(
        tmp_path / "Users/zoe/Applications/Éditeur.app/Contents/Info.plist",
        {"CFBundleName": "Éditeur", "CFBundleVersion": "7"},
        plistlib.FMT_BINARY,
    )
    return tmp_path


@pytest.mark.parametrize(
    "heading",
    [
        "",
        "\ufeff<?xml version='1.0'?>",
        '<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "x">',
    ],
)
def test_an_info_plist_may_begin_in_any_lawful_way(tmp_path: Path, heading: str) -> None:
    file = tmp_path / "Info.plist"
    body = "<key>CFBundleName</key><string>Word</string>"
    version = "<key>CFBundleShortVersionString</key><string>16.1</string>"
    file.write_text(f"{heading}\n<plist version='1.0'><dict>{body}{version}</dict></plist>")

    (found,) = macos_applications.read(file)

    assert (found.name, found.version) == ("Word", "16.1")


def test_bundles_are_read_with_their_ids_and_a_person_s_own_without_their_place(mac: Path) -> None:
    word, own = macos_applications.scan(mac)

    assert (word.name, word.version, word.publisher) == (
        "Microsoft Word",
        "16.83",
        "Microsoft Corporation",
    )
    assert word.identifiers == {"bundle_id": "com.microsoft.Word"}
    assert word.location == "/Applications/Microsoft Word.app"
    assert (own.name, own.version, own.scope, own.location) == ("Éditeur", "7", "user", "")


def test_a_damaged_bundle_is_still_there_under_its_folder_s_name(mac: Path) -> None:
    (mac / "Applications/Microsoft Word.app/Contents/Info.plist").write_bytes(b"bplist00\xff")

    word, own = macos_applications.scan(mac)

    assert (word.name, word.version) == ("Microsoft Word", "")
    assert own.name == "Éditeur"


def test_the_system_tells_its_version(mac: Path) -> None:
    facts = device.facts(mac)

    assert (facts.system, facts.system_version) == ("macOS", "14.3.1")


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({"System": {"HostName": "mac-1.example"}, "Network": {}}, "mac-1.example"),
        ({"Network": {"HostNames": {"LocalHostName": "mac-1"}}}, "mac-1"),
        ({"System": [], "Network": {"HostNames": 3}}, ""),
    ],
)
def test_a_mac_that_is_off_tells_its_name(mac: Path, settings: Any, name: str) -> None:
    plist(mac / device.MACOS_SETTINGS, {"System": settings})

    assert device.facts(mac).hostname == name


def test_an_entity_bomb_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "Info.plist"
    file.write_text(
        '<?xml version="1.0"?><!DOCTYPE plist [<!ENTITY a "aaaaaaaaaa">'
        '<!ENTITY b "&a;&a;&a;&a;&a;&a;">]><plist><dict><key>&b;</key></dict></plist>'
    )

    with pytest.raises(SourceError, match="is not a property list"):
        plists.read(file)


PROFILED = """\
Applications:

    Xcode:

      Version: 15.2
      Obtained from: Mac App Store
      Last Modified: 12/03/2024 09:12
      Kind: Universal
      Signed by: Apple Mac OS Application Signing, Apple Root CA
      Location: /Applications/Xcode.app

    Visio:

      Version: 1 . 2 . 2
      Location: /Users/zoe/Applications (Parallels)/{0a1b2c3d-1111-2222-3333-444455556666} \
Applications.localized/Visio.app

    Acrobat:

      Version: 23.008
      Obtained from: Identified Developer
      Signed by: Developer ID Application: Adobe Inc. (JQ525L2MZD), Apple Root CA
      Location: /Applications/Adobe Acrobat DC/Acrobat.app
"""


def test_what_system_profiler_prints_is_read_without_the_guest_s_programs(tmp_path: Path) -> None:
    file = tmp_path / "profile.txt"
    file.write_text(PROFILED, encoding="utf-8")

    xcode, acrobat = macos_applications.read(file)

    assert (xcode.name, xcode.version, xcode.architecture) == ("Xcode", "15.2", "Universal")
    assert xcode.identifiers == {"obtained_from": "mac app store"}
    assert (acrobat.name, acrobat.publisher) == ("Acrobat", "Adobe Inc.")
    assert not acrobat.hidden


LANGUAGES = {
    "en": ("Version", "Obtained from", "Last Modified", "Kind", "Signed by", "Location"),
    "ja": ("バージョン", "入手元", "最終変更日", "種類", "署名元", "場所"),
    "ru": ("Версия", "Источник", "Последнее изменение", "Тип", "Подписано", "Место"),
    "zh": ("版本", "获取来源", "上次修改时间", "种类", "签名者", "位置"),
    "de": ("Version", "Erhalten von", "Zuletzt geändert", "Art", "Signiert von", "Ort"),
    "el": ("Έκδοση", "Λήψη από", "Τροποποίηση", "Είδος", "Υπογραφή από", "Τοποθεσία"),
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_system_profiler_is_read_in_any_language(tmp_path: Path, language: str) -> None:
    version, origin, modified, kind, signed, place = LANGUAGES[language]
    file = tmp_path / "profile.txt"
    file.write_text(
        f"…:\n\n    Safari:\n\n      {version}: 17.4\n      {origin}: Apple\n"
        f"      {modified}: 12/03/2024 09:12\n      {kind}: Universal\n"
        f"      {signed}: Software Signing, Apple Root CA\n"
        f"      {place}: /Applications/Safari.app\n\n"
        f"    Mémo: 2:\n\n      {modified}: 12.3.2024 9.12\n      {kind}: ?\n"
        f"      {place}: /Applications/Mémo.app\n\n"
        f"    :\n\n      {version}: XP\n      {place}: /Applications/Sans nom.app\n",
        encoding="utf-8",
    )

    safari, memo, nameless = macos_applications.read(file)

    assert (safari.name, safari.version, safari.publisher) == ("Safari", "17.4", "Apple")
    assert (safari.architecture, safari.location) == ("Universal", "/Applications/Safari.app")
    assert (memo.name, memo.version) == ("Mémo: 2", "")
    assert (nameless.name, nameless.version) == ("Sans nom", "XP")


def test_of_a_whole_report_the_applications_alone_are_read(tmp_path: Path) -> None:
    file = tmp_path / "profile.txt"
    others = (
        "Hardware:\n\n    Hardware Overview:\n\n      Model Name: MacBook Pro 14\n\n"
        "Developer:\n\n    Developer Tools:\n\n      Version: 15.2 (22503)\n"
        "      Location: /Applications/Xcode.app\n\n"
        "Frameworks:\n\n    AppKit:\n\n      Version: 6.9\n"
        "      Location: /System/Library/Frameworks/AppKit.framework\n\n"
    )
    file.write_text(others + PROFILED, encoding="utf-8")

    assert [each.name for each in macos_applications.read(file)] == ["Xcode", "Acrobat"]


def test_system_profiler_s_json_and_xml_keep_a_version_as_it_is_written(tmp_path: Path) -> None:
    as_json = tmp_path / "profile.json"
    places = '"path": "/Applications/Outil.app"'
    as_json.write_text(
        f'{{"SPApplicationsDataType": [{{"version": 15.10, {places}}},'
        f' {{"version": " 2 . 1\\n", {places}}}, {{"version": null, {places}}}]}}'
    )
    item = {"version": 7, "path": "/Applications/Outil.app"}
    as_xml = plist(tmp_path / "profile.plist", [{"_items": [item]}])

    found = [*macos_applications.read(as_json), *macos_applications.read(as_xml)]

    assert [(each.name, each.version) for each in found] == [
        ("Outil", "15.10"),
        ("Outil", "2.1"),
        ("Outil", ""),
        ("Outil", "7"),
    ]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_what_system_profiler_said_is_read_in_any_unicode(tmp_path: Path, encoding: str) -> None:
    item = {"_name": "Mémo", "version": "2", "path": "/Applications/Mémo.app"}
    texts = (
        PROFILED,
        json.dumps({"SPApplicationsDataType": [item]}, ensure_ascii=False),
        plistlib.dumps([{"_items": [item]}]).decode(),
    )
    names = []
    for text in texts:
        file = tmp_path / "profile"
        file.write_bytes(text.encode(encoding))
        names.append([each.name for each in macos_applications.read(file)])

    assert names == [["Xcode", "Acrobat"], ["Mémo"], ["Mémo"]]


def test_system_profiler_s_json_and_xml_say_the_same(tmp_path: Path) -> None:
    item = {
        "_name": "Xcode",
        "version": "15.2",
        "path": "/Applications/Xcode.app",
        "obtained_from": "mac_app_store",
        "arch_kind": "arch_arm_i64",
        "signed_by": ["Apple Mac OS Application Signing"],
    }
    as_json = tmp_path / "profile.json"
    as_json.write_text(json.dumps({"SPApplicationsDataType": [item]}))
    modified = item | {"lastModified": datetime(2024, 3, 12)}  # noqa: DTZ001 - property lists have no zones
    as_xml = plist(tmp_path / "profile.plist", [{"_items": [modified]}])

    (from_json,), (from_xml,) = map(macos_applications.read, (as_json, as_xml))

    assert from_xml._replace(installed_on="") == from_json
    assert from_xml.installed_on == "2024-03-12"
    assert from_json.architecture == "arm_i64"


@pytest.mark.parametrize("content", ["{", '{"SPApplicationsDataType": 3}', "{}"])
def test_damaged_json_is_a_failure(tmp_path: Path, content: str) -> None:
    file = tmp_path / "profile.json"
    file.write_text(content)

    with pytest.raises(SourceError, match="is not system_profiler's JSON"):
        list(macos_applications.read(file))


@pytest.mark.parametrize(
    ("notice", "who"),
    [
        ("© 2024 Microsoft Corporation. All rights reserved.", "Microsoft Corporation"),
        ("Copyright (c) 2010-2024, Éditeur SA", "Éditeur SA"),
        ("Version 7", ""),
        ("", ""),
    ],
)
def test_the_publisher_is_who_holds_the_copyright(notice: str, who: str) -> None:
    assert macos_applications.holder(notice) == who


def app(root: Path, place: str, name: str, info: str = "Contents/Info.plist") -> None:
    document = {"CFBundleName": name, "CFBundleShortVersionString": "1.0"}
    plist(root / place / info, document)


def test_bundles_are_found_however_deep_and_their_parts_are_not(mac: Path) -> None:
    app(mac, "Applications/Éditeur/Suite 2024/Outils/Dessin.app", "Dessin")
    app(mac, "Applications/Éditeur/Suite 2024/Outils/Dessin.app/Contents/Aide.app", "Aide")
    app(mac, "Applications/Éditeur/Moteur.framework/Versions/A/Relais.app", "Relais")
    app(mac, "Users/zoe/Applications/Chrome Apps.localized/Docs.APP", "Docs")
    (mac / "Applications/Éditeur/ici").symlink_to("..")

    found = [(each.name, each.scope) for each in macos_applications.scan(mac)]

    assert found == [
        ("Microsoft Word", "machine"),
        ("Dessin", "machine"),
        ("Éditeur", "user"),
        ("Docs", "user"),
    ]


@pytest.mark.parametrize("is_linked", [True, False])
def test_an_ipad_application_is_read_through_its_wrapper(mac: Path, *, is_linked: bool) -> None:
    app(mac, "Applications/Plan.app", "Plan", "Wrapper/Plan-iPad.app/Info.plist")
    store = {"artistName": "Éditeur SA", "itemName": "Plan: le dessin"}
    plist(mac / "Applications/Plan.app/Wrapper/iTunesMetadata.plist", store)
    if is_linked:
        (mac / "Applications/Plan.app/WrappedBundle").symlink_to("Wrapper/Plan-iPad.app")

    found = {each.name: each for each in macos_applications.scan(mac)}

    assert (found["Plan"].version, found["Plan"].publisher) == ("1.0", "Éditeur SA")


def test_a_name_that_its_build_left_open_is_none(tmp_path: Path) -> None:
    info = {"CFBundleDisplayName": "${PRODUCT_NAME}", "CFBundleVersion": "$(VERSION)"}

    found = macos_applications.parse_info(info, "Dessin", "machine")

    assert (found.name, found.version) == ("Dessin", "")


def test_a_captured_bundle_without_a_name_is_called_by_its_folder_or_its_program(
    tmp_path: Path,
) -> None:
    info = {"CFBundleExecutable": "Photo Booth", "CFBundleVersion": "517"}
    alone = plist(tmp_path / "capture.plist", info)
    inside = plist(tmp_path / "Cabine.app/Contents/Info.plist", info)
    nameless = plist(tmp_path / "nameless.plist", {"CFBundleVersion": "517"})

    assert [each.name for each in macos_applications.read(alone)] == ["Photo Booth"]
    assert [each.name for each in macos_applications.read(inside)] == ["Cabine"]
    with pytest.raises(SourceError, match=r"nameless\.plist: has no name"):
        list(macos_applications.read(nameless))


def test_a_part_of_another_bundle_is_flagged_where_system_profiler_lists_it() -> None:
    inner = "/Applications/Xcode.app/Contents/Applications/Instruments.app"
    wrapped = "/Applications/Plan.app/Wrapper/Plan-iPad.app"
    places = (inner, "/Applications/X.app", wrapped)
    items = [{"_name": "Any", "path": place} for place in places]

    found = list(macos_applications.parse_items(items))

    assert [each.hidden for each in found] == [True, False, False]
    assert found[2].location == "/Applications/Plan.app"


@pytest.mark.parametrize(
    "place",
    [
        "/System/Volumes/Data/Users/zoe/Applications/Docs.app",
        "/Volumes/Data/Users/zoe/Applications/Docs.app",
    ],
)
def test_a_person_s_application_is_one_wherever_homes_lie(place: str) -> None:
    (found,) = macos_applications.parse_items([{"_name": "Docs", "path": place}])

    assert (found.scope, found.location, found.hidden) == ("user", "", False)


def test_a_mac_s_data_volume_below_its_system_volume_is_read(mac: Path) -> None:
    """As both lie on a disk whose system did not start and join them."""
    data = mac / "System/Volumes/Data"
    app(data, "Applications/Dessin.app", "Dessin")
    app(data, "Users/luc/Applications/Docs.app", "Docs")
    plist(data / macos_receipts.HISTORY, [{"displayName": "Dessin"}])
    (data / "Applications/Microsoft Word.app").mkdir()
    (mac / "Applications/Microsoft Word.app").rename(mac / "Applications/Microsoft Excel.app")

    found = {each.name: each for each in macos_applications.scan(mac)}

    assert set(found) == {"Microsoft Word", "Dessin", "Docs", "Éditeur"}
    assert found["Dessin"].location == "/Applications/Dessin.app"
    assert [each.name for each in macos_receipts.scan(mac)] == ["Dessin"]
    assert macos_office.available(mac)


def test_a_copied_data_volume_is_known_for_a_mac_by_its_folders(tmp_path: Path) -> None:
    app(tmp_path, "Applications/Dessin.app", "Dessin")
    assert "macos_applications" not in sources.possible(tmp_path)

    (tmp_path / "Users").mkdir()

    assert "macos_applications" in sources.possible(tmp_path)


def test_nobody_is_named_where_a_home_is_a_link(mac: Path) -> None:
    (mac / "private/homes/zoe.durand").mkdir(parents=True)
    (mac / "Users/zdurand").symlink_to("/private/homes/zoe.durand")
    (mac / "private/homes/zoe.durand/Applications").symlink_to("/private/homes/zoe.durand/x/y/../y")
    (mac / "private/homes/zoe.durand/x").mkdir()
    (mac / "private/homes/zoe.durand/x/y").symlink_to("/private/homes/zoe.durand/x/y")

    with pytest.raises(SourceError) as raised:
        list(macos_applications.scan(mac))

    assert str(raised.value) == "home 1: …/Applications: Too many levels of symbolic links"


def test_nobody_is_named_where_a_home_leads_in_a_circle(mac: Path) -> None:
    (mac / "Users/zdurand").symlink_to("/Users/zdurand")

    for scan in (macos_applications.scan, macos_office.scan):
        with pytest.raises(SourceError) as raised:
            list(scan(mac))

        assert "durand" not in str(raised.value)
        assert str(raised.value).startswith("home 1: …/")


# --- Receipts ---


def test_receipts_are_hidden_evidence_with_a_date(mac: Path) -> None:
    history = [
        {
            "displayName": "Microsoft Office",
            "displayVersion": "16.83",
            "date": datetime(2024, 3, 12, 8),  # noqa: DTZ001 - property lists have no zones
            "packageIdentifiers": ["com.microsoft.package.Microsoft_Word.app"],
            "processName": "installer",
        },
        {"displayVersion": "nameless"},
    ]
    plist(mac / macos_receipts.HISTORY, history)

    assert macos_receipts.available(mac)
    (office,) = macos_receipts.scan(mac)

    assert (office.name, office.hidden, office.installed_on) == (
        "Microsoft Office",
        True,
        "2024-03-12",
    )
    assert office.identifiers["package_id"] == "com.microsoft.package.Microsoft_Word.app"


def test_a_history_that_is_none_is_a_failure(tmp_path: Path) -> None:
    file = plist(tmp_path / "InstallHistory.plist", {"a": 1})

    with pytest.raises(SourceError, match="is not a history of installs"):
        list(macos_receipts.read(file))


# --- Office's licence ---


def test_office_tells_its_line_and_its_kinds_of_licence_without_naming_people(mac: Path) -> None:
    plist(mac / macos_office.VOLUME, {})
    for person, file in (("zoe", "com.microsoft.Office365.plist"), ("luc", "other.plist")):
        group = mac / "Users" / person / "Library/Group Containers/UBF8T346G9.Office"
        plist(group / file, {})

    assert macos_office.available(mac)
    (office,) = macos_office.scan(mac)

    assert office.name == "Microsoft Office 2021 for Mac"
    assert office.identifiers == {"licence_volume": "1", "licence_subscription": "1"}
    assert "zoe" not in repr(office)


@pytest.mark.parametrize(
    ("version", "line"),
    [
        *(("16.89", "2024"), ("16.53", "2021"), ("16.17.1", "2019"), ("16.16", "2016")),
        *(("15.41", "2016"), ("15.3", ""), ("14.7.7", "2011"), ("12.3.6", "2008"), ("16", "")),
    ],
)
def test_the_line_follows_from_the_version(version: str, line: str) -> None:
    assert macos_office.line(version) == line


FRENCH = """\
Matériel :

    Vue d’ensemble du matériel :

      Nom du modèle : MacBook Pro

Applications :

    Aperçu :

      Version : 11.0
      Obtenu auprès de : Apple
      Dernière modification : 12/03/2024 09:12
      Signée par : Software Signing, Apple Code Signing Certification Authority, Apple Root CA
      Emplacement : /System/Applications/Preview.app

    Éditeur :

      Version : 2.4
      Emplacement : /Applications/Éditeur.app
      Informations : 2.4, © 2024 Druide informatique inc.
"""


@pytest.mark.parametrize("blank", [" ", "\N{NO-BREAK SPACE}"])
def test_what_system_profiler_prints_in_french_is_read(tmp_path: Path, blank: str) -> None:
    file = tmp_path / "profile.txt"
    file.write_text(FRENCH.replace(" :", f"{blank}:"), encoding="utf-8")

    found = list(macos_applications.read(file))

    assert [(each.name, each.version, each.publisher, each.hidden) for each in found] == [
        ("Aperçu", "11.0", "Apple", False),
        ("Éditeur", "2.4", "Druide informatique inc", False),
    ]


def test_a_report_of_several_types_gives_its_applications_alone(tmp_path: Path) -> None:
    parts = [
        {"_dataType": "SPHardwareDataType", "_items": [{"_name": "hardware_overview"}]},
        {
            "_dataType": "SPApplicationsDataType",
            "_items": [{"_name": "Xcode", "version": "15.2", "path": "/Applications/Xcode.app"}],
        },
    ]

    found = macos_applications.read(plist(tmp_path / "report.spx", parts))

    assert [each.name for each in found] == ["Xcode"]


def test_a_running_mac_adds_who_signed_and_what_lies_elsewhere(mac: Path) -> None:
    bundles = list(macos_applications.scan(mac))
    word = {
        "_name": "Microsoft Word",
        "version": "16.83",
        "path": "/Applications/Microsoft Word.app",
        "signed_by": ["Developer ID Application: Microsoft Corporation (UBF8T346G9)"],
        "arch_kind": "arch_arm_i64",
    }
    helper = {"_name": "Helper", "version": "1", "path": "/Library/Helper.app"}
    own = {"_name": "Éditeur", "version": "7", "path": "/Users/zoe/Applications/Éditeur.app"}
    profiled = list(macos_applications.parse_items([word, helper, own]))

    found = list(macos_applications.joined(bundles, profiled))

    assert [(each.name, each.architecture, each.hidden) for each in found] == [
        ("Microsoft Word", "arm_i64", False),
        ("Éditeur", "", False),
        ("Helper", "", True),
    ]
    assert found[0].identifiers["bundle_id"] == "com.microsoft.Word"
    assert "zoe" not in repr(found)


def test_receipts_that_the_history_does_not_mention_are_read_too(mac: Path) -> None:
    on = datetime(2024, 3, 12, 8, 0)  # noqa: DTZ001 - property lists have no zone
    plist(
        mac / macos_receipts.HISTORY,
        [{"displayName": "Teams", "packageIdentifiers": ["com.microsoft.teams2"], "date": on}],
    )
    for package in ("com.microsoft.teams2", "com.druide.Antidote"):
        receipt = {"PackageIdentifier": package, "PackageVersion": "11.5", "InstallDate": on}
        plist(mac / macos_receipts.RECEIPTS / f"{package}.plist", receipt, plistlib.FMT_BINARY)

    found = list(macos_receipts.scan(mac))

    assert [(each.name, each.version, each.installed_on) for each in found] == [
        ("Teams", "", "2024-03-12"),
        ("com.druide.Antidote", "11.5", "2024-03-12"),
    ]
    assert all(each.hidden for each in found)


def test_the_data_volume_of_a_mac_is_known_for_a_mac_without_its_system(tmp_path: Path) -> None:
    (tmp_path / "private/var/db/dslocal").mkdir(parents=True)
    plist(tmp_path / "Applications/Microsoft Word.app/Contents/Info.plist", WORD)

    assert "macos_applications" in sources.possible(tmp_path)
    assert [each.name for each in macos_applications.scan(tmp_path)] == ["Microsoft Word"]
    assert device.facts(tmp_path).system == "macOS"


def test_an_office_in_a_folder_of_its_own_is_office(tmp_path: Path) -> None:
    word = WORD | {"CFBundleShortVersionString": "14.7.7"}
    folder = "Applications/Microsoft Office 2011"
    plist(tmp_path / folder / "Microsoft Word.app/Contents/Info.plist", word)

    assert macos_office.available(tmp_path)
    assert [each.name for each in macos_office.scan(tmp_path)] == ["Microsoft Office 2011 for Mac"]


def test_office_without_word_is_office(tmp_path: Path) -> None:
    plist(tmp_path / "Applications/Microsoft Excel.app/Contents/Info.plist", WORD)

    assert macos_office.available(tmp_path)
    assert [each.version for each in macos_office.scan(tmp_path)] == ["16.83"]
