"""Package databases of Linux systems, as each package manager keeps them."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from quitus_agent.errors import SourceError
from quitus_agent.inventory import Install
from quitus_agent.sources import apk, flatpak, pacman, rpm, snap
from tests.makers import rpmdb as databases

APK = """\
C:Q1abc=
P:musl
V:1.2.4-r2
A:x86_64
m:Timo Teräs <timo.teras@iki.fi>
F:lib
R:libc.so

P:café
V:2.0_rc1-r0
A:noarch
"""
DESC = """\
%NAME%
bash

%VERSION%
5.2.026-2

%ARCH%
x86_64

%INSTALLDATE%
1710000000

%PACKAGER%
Jelle <jelle@example.org>

%DEPENDS%
readline
"""


def placed(file: Path, content: str) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content, encoding="utf-8")
    return file


# --- apk ---


def test_apk_packages_are_read_with_their_maintainer(tmp_path: Path) -> None:
    placed(tmp_path / "lib/apk/db/installed", APK)

    musl, cafe = apk.scan(tmp_path)

    assert (musl.name, musl.version, musl.architecture) == ("musl", "1.2.4-r2", "x86_64")
    assert musl.publisher == "Timo Teräs <timo.teras@iki.fi>"
    assert musl.identifiers["purl"] == "pkg:apk/alpine/musl@1.2.4-r2?arch=x86_64"
    assert (cafe.name, cafe.version) == ("café", "2.0_rc1-r0")


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("P:a\n\n", "the package that ends at line 2 has no name or no version"),
        ("P:a\ngarbage\n", "line 2 is not a letter, a colon and a value"),
        ("garbage\n", "line 1 is no package"),
        ("P:a\nV", "line 2 is not a letter"),
    ],
)
def test_a_broken_apk_database_is_a_failure(tmp_path: Path, content: str, complaint: str) -> None:
    file = placed(tmp_path / "installed", content)

    with pytest.raises(SourceError, match=f"{file}: .*{complaint}"):
        list(apk.read(file))


def test_an_apk_database_that_passed_through_windows_is_read(tmp_path: Path) -> None:
    file = tmp_path / "installed"
    file.write_bytes(b"\xef\xbb\xbf" + APK.replace("\n", "\r\n").encode())

    assert [(each.name, each.version) for each in apk.read(file)] == [
        ("musl", "1.2.4-r2"),
        ("café", "2.0_rc1-r0"),
    ]


@pytest.mark.parametrize(
    "listing",
    [
        "musl-1.2.4-r2 x86_64 {musl} (MIT) [installed]\n"
        "font-adobe-100dpi-1.0.3-r2 noarch {font-adobe} (custom) [installed]\n"
        "zsh-5.9-r1 x86_64 {zsh} (custom)\n",
        "WARNING: opening cache: No such file or directory\n"
        "musl-1.2.5-r0 x86_64 {musl} (MIT) [upgradable from: musl-1.2.4-r2]\n"
        "font-adobe-100dpi-1.0.3-r2 noarch {font-adobe} (MIT AND BSD) [installed]\n",
        "musl-1.2.4-r2 - the musl c library\nfont-adobe-100dpi-1.0.3-r2 - fonts\n",
        "musl-1.2.4-r2\r\nfont-adobe-100dpi-1.0.3-r2\r\n",
    ],
)
def test_what_apk_prints_is_read(tmp_path: Path, listing: str) -> None:
    file = tmp_path / "list"
    file.write_bytes(listing.encode())

    assert [(each.name, each.version) for each in apk.read(file)] == [
        ("musl", "1.2.4-r2"),
        ("font-adobe-100dpi", "1.0.3-r2"),
    ]


# --- pacman ---


def test_pacman_packages_are_read_with_their_date(tmp_path: Path) -> None:
    placed(tmp_path / "var/lib/pacman/local/bash-5.2.026-2/desc", DESC)
    placed(tmp_path / "var/lib/pacman/local/ALPM_DB_VERSION", "9\n")

    (bash,) = pacman.scan(tmp_path)

    assert (bash.name, bash.version, bash.architecture) == ("bash", "5.2.026-2", "x86_64")
    assert bash.installed_on == "2024-03-09"
    assert bash.identifiers["purl"] == "pkg:alpm/arch/bash@5.2.026-2?arch=x86_64"
    assert list(pacman.read(tmp_path / "var/lib/pacman/local")) == [bash]


PACMAN_QI = """\
Nom                      : bash
Version                  : 5.2.026-2
Description              : Le shell GNU
Architecture             : x86_64
Paquets optionnels       : bash-completion: pour la complétion
                           autre: chose

Nom                      : zlib
Version                  : 1:1.3.1-1
Description              : Compression
Architecture             : x86_64
"""


@pytest.mark.parametrize(
    "listing",
    [
        "bash 5.2.026-2\nzlib 1:1.3.1-1\n",
        "local/bash 5.2.026-2 (base)\n    Le shell GNU\nlocal/zlib 1:1.3.1-1\n    Compression\n",
        PACMAN_QI,
        PACMAN_QI.replace("\n", "\r\n"),
        PACMAN_QI.replace(" : ", "\uff1a"),
    ],
)
def test_what_pacman_prints_is_read(tmp_path: Path, listing: str) -> None:
    found = list(pacman.read(placed(tmp_path / "list", listing)))

    assert [(each.name, each.version) for each in found] == [
        ("bash", "5.2.026-2"),
        ("zlib", "1:1.3.1-1"),
    ]


@pytest.mark.parametrize(
    "listing",
    ["Dépôt : core\nNom : bash\nVersion : 5-1\n", "bash 5.2\n", "bash 5.2-1\n    suite\n"],
)
def test_what_is_no_list_of_installed_pacman_packages_is_a_failure(
    tmp_path: Path, listing: str
) -> None:
    with pytest.raises(SourceError, match="is not a name and a version"):
        list(pacman.read(placed(tmp_path / "list", listing)))


def test_a_pacman_package_without_a_version_names_its_file(tmp_path: Path) -> None:
    file = placed(tmp_path / "var/lib/pacman/local/a-1/desc", "%NAME%\na\n")

    with pytest.raises(SourceError, match=f"{file}: has no name or no version"):
        list(pacman.scan(tmp_path))


# --- rpm ---

PACKAGES: list[databases.Package] = [
    {
        "name": "bash",
        "version": "5.1.8",
        "release": "6.el9",
        "arch": "x86_64",
        "vendor": "Éditeur SA",
        "installed_at": 1700000000,
    },
    {"name": "gpg-pubkey", "version": "fd431d51", "release": "4ae0493b"},
    {
        "name": "java-17",
        "version": "17.0.9",
        "release": "1",
        "epoch": 1,
        "arch": "noarch",
        "packager": "Zoé",
        "summary": "long " * 3000,
    },
]
FORMS: list[tuple[str, Callable[[Path, Sequence[databases.Package]], Path]]] = [
    ("usr/lib/sysimage/rpm/rpmdb.sqlite", databases.sqlite),
    ("usr/lib/sysimage/rpm/Packages.db", databases.ndb),
    ("var/lib/rpm/Packages", databases.berkeley),
    ("var/lib/rpm/Packages", lambda path, given: databases.berkeley(path, given, ">")),
]


@pytest.mark.parametrize(("place", "make"), FORMS, ids=["sqlite", "ndb", "bdb", "bdb-big-endian"])
def test_rpm_packages_are_read_from_every_form_of_the_database(
    tmp_path: Path, place: str, make: Callable[[Path, Sequence[databases.Package]], Path]
) -> None:
    make(tmp_path / place, PACKAGES)
    placed(tmp_path / "etc/os-release", "ID=rocky\n")

    assert rpm.available(tmp_path)
    bash, java = rpm.scan(tmp_path)

    assert bash == Install(
        "bash",
        "5.1.8-6.el9",
        "Éditeur SA",
        "x86_64",
        "rpm",
        identifiers={"purl": "pkg:rpm/rocky/bash@5.1.8-6.el9?arch=x86_64"},
        installed_on="2023-11-14",
    )
    assert (java.name, java.version, java.publisher) == ("java-17", "17.0.9-1", "Zoé")
    assert java.identifiers["purl"] == "pkg:rpm/rocky/java-17@17.0.9-1?arch=noarch&epoch=1"


@pytest.mark.parametrize(("place", "make"), FORMS, ids=["sqlite", "ndb", "bdb", "bdb-big-endian"])
def test_a_cut_rpm_database_is_a_failure_and_never_an_empty_system(
    tmp_path: Path, place: str, make: Callable[[Path, Sequence[databases.Package]], Path]
) -> None:
    file = make(tmp_path / place, PACKAGES)
    whole = file.read_bytes()

    for length in (0, 7, 20, 64, len(whole) // 2, len(whole) - 100):
        file.write_bytes(whole[:length])
        with pytest.raises(SourceError) as raised:
            list(rpm.scan(tmp_path))
        assert str(file) in str(raised.value)


OLD: list[databases.Package] = [PACKAGES[0] | {"version": "4.0"}]


def test_an_rpm_database_that_was_never_written_to_hides_no_other(tmp_path: Path) -> None:
    placed(tmp_path / "var/lib/rpm/rpmdb.sqlite", "")
    databases.berkeley(tmp_path / "var/lib/rpm/Packages", PACKAGES)

    assert [each.name for each in rpm.scan(tmp_path)] == ["bash", "java-17"]


def test_an_rpm_database_without_packages_hides_no_other(tmp_path: Path) -> None:
    databases.sqlite(tmp_path / "var/lib/rpm/rpmdb.sqlite", [])
    databases.berkeley(tmp_path / "var/lib/rpm/Packages", PACKAGES)

    assert [each.name for each in rpm.scan(tmp_path)] == ["bash", "java-17"]


def test_of_two_rpm_databases_the_newer_form_is_read(tmp_path: Path) -> None:
    databases.sqlite(tmp_path / "usr/lib/sysimage/rpm/rpmdb.sqlite", PACKAGES)
    databases.berkeley(tmp_path / "var/lib/rpm/Packages", OLD)

    assert [each.version for each in rpm.scan(tmp_path)] == ["5.1.8-6.el9", "17.0.9-1"]


def test_of_two_rpm_databases_the_one_that_rpm_is_set_to_is_read(tmp_path: Path) -> None:
    databases.sqlite(tmp_path / "var/lib/rpm/rpmdb.sqlite", OLD)
    databases.berkeley(tmp_path / "var/lib/rpm/Packages", PACKAGES)
    placed(tmp_path / "usr/lib/rpm/macros", "%_dbpath /var/lib/rpm\n%_db_backend\tsqlite\n")
    placed(tmp_path / "etc/rpm/macros.db", "# ours\n%_db_backend bdb\n")

    assert [each.version for each in rpm.scan(tmp_path)] == ["5.1.8-6.el9", "17.0.9-1"]


def test_a_damaged_rpm_database_is_a_failure_beside_an_older_one(tmp_path: Path) -> None:
    placed(tmp_path / "var/lib/rpm/rpmdb.sqlite", "SQLite format 3\0" + 100 * "x")
    databases.berkeley(tmp_path / "var/lib/rpm/Packages", OLD)

    with pytest.raises(SourceError, match=r"rpmdb\.sqlite"):
        list(rpm.scan(tmp_path))


def test_an_rpm_header_with_impossible_lengths_is_refused(tmp_path: Path) -> None:
    file = databases.ndb(tmp_path / "Packages.db", PACKAGES[:1])
    content = bytearray(file.read_bytes())
    at = databases.PAGE + 16
    content[at : at + 4] = b"\xff\xff\xff\xff"
    file.write_bytes(content)

    with pytest.raises(SourceError, match="impossible lengths"):
        list(rpm.read(file))


def test_a_berkeley_value_that_leads_in_a_circle_ends(tmp_path: Path) -> None:
    file = databases.berkeley(tmp_path / "Packages", PACKAGES[2:])
    content = bytearray(file.read_bytes())
    for page in range(1, len(content) // databases.PAGE):
        if content[page * databases.PAGE + 25] == 7:
            content[page * databases.PAGE + 16 : page * databases.PAGE + 20] = page.to_bytes(
                4, "little"
            )
            content[page * databases.PAGE + 22 : page * databases.PAGE + 24] = b"\1\0"
    file.write_bytes(content)

    try:
        found = list(rpm.read(file))
    except SourceError:
        return
    assert len(found) <= 1


def test_a_listing_and_a_manifest_are_read_too(tmp_path: Path) -> None:
    listing = placed(
        tmp_path / "rpm-qa",
        "bash\tx86_64\t5.1-6\t1700000000\t77\tRed Hat\na\tnoarch\t1-1\t-\t1\t(none)\n",
    )
    manifest = placed(
        tmp_path / "manifest.json",
        '{"rpms": [{"name": "bash", "version": "5.1", "release": "6", "architecture": "x86_64"}]}',
    )

    bash, other = rpm.read(listing)

    assert (bash.version, bash.publisher, bash.installed_on) == ("5.1-6", "Red Hat", "2023-11-14")
    assert (other.publisher, other.installed_on) == ("", "")
    assert [each.version for each in rpm.read(manifest)] == ["5.1-6"]


def test_a_listing_in_the_order_of_an_image_s_manifest_is_read(tmp_path: Path) -> None:
    line = (
        "base\t2.0-12.cm2\t1653816591\t1653753130\tMicrosoft Corporation\t(none)\t580\tnoarch\t0\t"
    )
    manifest = placed(
        tmp_path / "var/lib/rpmmanifest/container-manifest-2", f"{line}base.src.rpm\n"
    )

    (found,) = rpm.scan(tmp_path)
    (same,) = rpm.read(manifest)

    assert (found.name, found.version, found.architecture) == ("base", "2.0-12.cm2", "noarch")
    assert (found.publisher, found.installed_on) == ("Microsoft Corporation", "2022-05-29")
    assert same.version == found.version


@pytest.mark.parametrize(
    "line",
    [
        "bash\t5.1.8-6.el9\tx86_64\t1\t1\tRed Hat",
        "\tx86_64\t1-1\t1\t1\tRed Hat",
        "bash\tx86_64\t5.1\t1\t1\tRed Hat",
        "bash\tx86_64",
    ],
)
def test_a_listing_in_an_order_that_nobody_knows_is_refused(tmp_path: Path, line: str) -> None:
    with pytest.raises(SourceError, match="line 1 is no package"):
        list(rpm.read(placed(tmp_path / "rpm-qa", f"{line}\n")))


@pytest.mark.parametrize("arch", ["armv7hnl", "ppc64p7", "s390", "ia64", "loongarch64", "src"])
def test_every_architecture_that_rpm_knows_is_none_of_the_version(
    tmp_path: Path, arch: str
) -> None:
    (found,) = rpm.read(placed(tmp_path / "rpm-qa", f"bar-1.0-2.{arch}\n"))

    assert (found.name, found.version, found.architecture) == ("bar", "1.0-2", arch)


def test_a_listing_without_a_format_is_read(tmp_path: Path) -> None:
    listing = placed(
        tmp_path / "rpm-qa",
        "java-1.8.0-openjdk-1.8.0.382.b05-1.el7_9.x86_64\n"
        "basesystem-10.0-7.el7.noarch        mar. 12 mars 2024 08:00:00 CET\n"
        "gpg-pubkey-f4a80eb5-53a7ff4b\n",
    )

    assert [(each.name, each.version, each.architecture) for each in rpm.read(listing)] == [
        ("java-1.8.0-openjdk", "1.8.0.382.b05-1.el7_9", "x86_64"),
        ("basesystem", "10.0-7.el7", "noarch"),
    ]


# --- snap ---


def test_snaps_are_read_and_runtimes_flagged(tmp_path: Path) -> None:
    placed(tmp_path / "snap/code/current/meta/snap.yaml", "name: code\nversion: '1.87'\n")
    placed(
        tmp_path / "snap/core22/current/meta/snap.yaml",
        "name: core22\nversion: 20240111\ntype: base\n",
    )

    code, core = snap.scan(tmp_path)

    assert (code.name, code.version, code.hidden) == ("code", "1.87", False)
    assert (core.name, core.hidden, core.identifiers) == ("core22", True, {"snap_type": "base"})


def test_what_snap_prints_is_read(tmp_path: Path) -> None:
    listing = placed(
        tmp_path / "list",
        "Name    Version  Rev  Tracking       Publisher   Notes\n"
        "code    1.87     155  latest/stable  vscode✓     classic\n"
        "core22  20240111 1122 latest/stable  canonical✓  base\n",
    )
    info = placed(
        tmp_path / "info",
        "name:      code\npublisher: Visual Studio Code (vscode✓)\nsnap-id:   Ht\n"
        "channels:\n  latest/stable: 1.88\ninstalled:          1.87 (155) 316MB classic\n",
    )

    code, core = snap.read(listing)
    (told,) = snap.read(info)

    assert (code.version, code.publisher, code.hidden, core.hidden) == (
        "1.87",
        "vscode",
        False,
        True,
    )
    assert (told.name, told.version) == ("code", "1.87")


def test_a_switched_off_system_names_its_snaps_without_their_versions(tmp_path: Path) -> None:
    placed(
        tmp_path / "var/lib/snapd/state.json",
        '{"data": {"snaps": {"code": {"type": "app", "current": "155"},'
        ' "core22": {"type": "base", "current": "1122"}}}}',
    )

    assert snap.available(tmp_path)
    code, core = snap.scan(tmp_path)

    assert (code.name, code.version, code.identifiers) == ("code", "", {"revision": "155"})
    assert (core.name, core.hidden) == ("core22", True)


@pytest.mark.parametrize("state", ["", "{}", '{"data": []}', '{"data": {"snaps": [1]}}'])
def test_a_damaged_state_of_snapd_is_a_failure(tmp_path: Path, state: str) -> None:
    placed(tmp_path / "var/lib/snapd/state.json", state)

    with pytest.raises(SourceError, match="is not the state of snapd"):
        list(snap.scan(tmp_path))


def test_snap_lists_of_other_languages_and_other_times_are_read(tmp_path: Path) -> None:
    french = placed(
        tmp_path / "french",
        "Nom     Version   Révision  Suivi          Éditeur     Notes\n"
        "code    1.87      155       latest/stable  vscode**    classic,disabled\n\n",
    )
    old = placed(
        tmp_path / "old",
        "Name  Version   Rev   Developer  Notes\ncore  16-2.30   3748  canonical  core\n",
    )

    (code,) = snap.read(french)
    (core,) = snap.read(old)

    assert (code.name, code.version, code.publisher) == ("code", "1.87", "vscode")
    assert (core.version, core.publisher, core.hidden) == ("16-2.30", "canonical", True)


@pytest.mark.parametrize("content", ["version: 1\n", "Name  Version\ncode 1\n", "snap-id: x\n"])
def test_a_broken_snap_is_a_failure(tmp_path: Path, content: str) -> None:
    file = placed(tmp_path / "snap", content)

    with pytest.raises(SourceError, match=str(file)):
        list(snap.read(file))


def test_a_snap_list_of_every_state_is_read(tmp_path: Path) -> None:
    listing = placed(
        tmp_path / "list",
        "Name     Version  Rev  Tracking       Publisher      Notes\n"
        "casse    -        12   -              -              broken\n"
        "code     1.86     154  latest/stable  vscode\N{CHECK MARK}        disabled,classic\n"
        "code     1.87     155  latest/stable  vscode\N{CHECK MARK}        classic\n"
        "mien     0.1      x1   -              -              try\n"
        "parti    3        7    latest/stable  zoe\N{CIRCLED WHITE STAR}           disabled\n",
    )

    found = [
        (each.name, each.version, each.publisher, each.hidden, dict(each.identifiers))
        for each in snap.read(listing)
    ]

    assert found == [
        ("casse", "", "", False, {"snap_state": "broken"}),
        ("code", "1.86", "vscode", True, {"snap_state": "disabled"}),
        ("code", "1.87", "vscode", False, {}),
        ("mien", "0.1", "", False, {}),
        ("parti", "3", "zoe", False, {"snap_state": "disabled"}),
    ]


@pytest.mark.parametrize(
    "heading",
    [
        "Название  Версия  Рев.  Канал  Издатель  Примечание",
        "名前  バージョン  リビジョン  追跡  発行者  備考",
        "Nazwa Wersja Rew. Kanał Wydawca Uwagi",
    ],
)
def test_a_snap_list_has_its_heading_in_any_language(tmp_path: Path, heading: str) -> None:
    rows = "core  16-1  3700  stable  canonical**  core,désactivé\ncore  16-2  3748  s  c**  core\n"
    listing = placed(tmp_path / "list", f"{heading}\n{rows}")

    assert [(each.version, each.identifiers) for each in snap.read(listing)] == [
        ("16-1", {"snap_type": "core", "snap_state": "disabled"}),
        ("16-2", {"snap_type": "core"}),
    ]


def test_snaps_that_are_told_of_and_not_installed_are_none(tmp_path: Path) -> None:
    info = placed(
        tmp_path / "info",
        "name:      code\npublisher: Visual Studio Code (vscode\N{CHECK MARK})\nsnap-id:   Ht\n"
        "installed:          1.87 (155) 316MB classic,disabled\n---\n"
        "name:      gimp\npublisher: Snapcrafters\nsnap-id:   Kx\nchannels:\n  stable: 2.10\n",
    )
    nothing = placed(tmp_path / "list", "No snaps are installed yet. Try 'snap install hello'.\n")

    (code,) = snap.read(info)

    assert (code.version, code.publisher) == ("1.87", "Visual Studio Code (vscode)")
    assert code.identifiers == {"snap_state": "disabled"}
    assert list(snap.read(nothing)) == []


def test_a_snap_that_cannot_be_read_costs_no_other(tmp_path: Path) -> None:
    snaps = tmp_path / "var/lib/snapd/snap"
    placed(snaps / "code/155/meta/snap.yaml", "name: code\nversion: '1.87'\n")
    placed(snaps / "damaged/2/meta/snap.yaml", "version: 2\n")
    placed(snaps / "disabled/9/meta/snap.yaml", "name: disabled\nversion: 9\n")
    placed(snaps / "disabled/10/meta/snap.yaml", "name: disabled\nversion: 10\n")
    placed(snaps / "bin/code", "")
    for name, revision in (("code", "155"), ("damaged", "2"), ("unmounted", "3")):
        (snaps / name).mkdir(exist_ok=True)
        (snaps / name / "current").symlink_to(revision)
    (tmp_path / "snap").symlink_to("/var/lib/snapd/snap")

    assert [(each.name, each.version, each.identifiers) for each in snap.scan(tmp_path)] == [
        ("code", "1.87", {}),
        ("damaged", "", {}),
        ("disabled", "10", {"snap_state": "disabled"}),
        ("unmounted", "", {}),
    ]


def test_a_system_without_snapd_has_no_snaps(tmp_path: Path) -> None:
    (tmp_path / "snap").mkdir()

    assert not snap.available(tmp_path)


# --- flatpak ---

METAINFO = """\
<?xml version="1.0" encoding="UTF-8"?>
<component type="desktop"><id>org.gimp.GIMP</id>
<developer id="org.gimp"><name>L'équipe GIMP</name></developer>
<releases><release version="2.10.36"/><release version="2.10.34"/></releases></component>
"""


def test_flatpaks_tell_their_release_and_whether_they_are_people_s_own(tmp_path: Path) -> None:
    deployed = "app/org.gimp.GIMP/x86_64/stable/active/files/share"
    placed(
        tmp_path / "var/lib/flatpak" / deployed / "metainfo/org.gimp.GIMP.metainfo.xml", METAINFO
    )
    placed(
        tmp_path / "home/zoe/.local/share/flatpak/app/com.slack.Slack/x86_64/stable/active/x", ""
    )
    placed(tmp_path / "var/lib/flatpak/runtime/org.gnome.Platform/x86_64/45/active/metadata", "")

    assert flatpak.available(tmp_path)
    gimp, platform, slack = flatpak.scan(tmp_path)

    assert (gimp.name, gimp.version, gimp.publisher) == (
        "org.gimp.GIMP",
        "2.10.36",
        "L'équipe GIMP",
    )
    assert (platform.name, platform.version, platform.hidden) == ("org.gnome.Platform", "45", True)
    assert (slack.name, slack.version, slack.scope) == ("com.slack.Slack", "stable", "user")
    assert "zoe" not in repr(slack)


@pytest.mark.parametrize(
    ("releases", "newest"),
    [
        ('version="2.0" date="2023-01-01"/><release version="2.1" date="2024-03-02"', "2.1"),
        ('version="1.9" timestamp="1600000000"/><release version="2" date="2023-05-01"', "2"),
        ('version="3" timestamp="1700000000"/><release version="2" date="2023-05-01"', "3"),
        ('version="9" date="2023-9-30"/><release version="10" date="2023-10-1"', "10"),
        ('version="2.1"/><release version="2.0"', "2.1"),
        ('version="2.1"/><release version="2.0" date="soon"', "2.1"),
        ('date="2024-03-02"/><release version="2.0" date="2023-01-01"', "2.0"),
    ],
)
def test_the_newest_release_is_the_one_with_the_latest_date(releases: str, newest: str) -> None:
    document = f"<component><releases><release {releases}/></releases></component>"

    assert flatpak.parse_metainfo(document.encode()) == (newest, "")


def test_a_flatpak_is_told_by_its_own_metadata_and_by_what_was_deployed(tmp_path: Path) -> None:
    active = tmp_path / "var/lib/flatpak/app/org.gimp.GIMP/x86_64/stable/active"
    share = active / "files/share/metainfo"
    placed(share / "org.gimp.GIMP.Manual.metainfo.xml", METAINFO.replace("2.10.36", "1.0"))
    own = placed(share / "org.gimp.GIMP.metainfo.xml", METAINFO)

    assert [each.version for each in flatpak.scan(tmp_path)] == ["2.10.36"]

    (active / "deploy").write_bytes(
        b"flathub\0ab\0appdata-name\0\0\0\0GIMP\0\0sappdata-version\x002.10.38\0\0s\0\0\x0e"
    )
    own.write_text("<component>")

    (gimp,) = flatpak.scan(tmp_path)

    assert gimp.version == "2.10.38"


def test_damaged_metadata_of_a_flatpak_is_told_beside_its_branch(tmp_path: Path) -> None:
    for name in ("org.a.A", "org.b.B"):
        share = tmp_path / f"var/lib/flatpak/app/{name}/x86_64/stable/active/files/share/metainfo"
        placed(share / f"{name}.metainfo.xml", METAINFO if name == "org.b.B" else "<component>")

    damaged, whole = flatpak.scan(tmp_path)

    assert (damaged.version, damaged.identifiers["metainfo"]) == ("stable", "damaged")
    assert (whole.version, "metainfo" in whole.identifiers) == ("2.10.36", False)


def test_a_flatpak_listing_is_read(tmp_path: Path) -> None:
    file = placed(tmp_path / "list", "Application ID\tVersion\norg.gimp.GIMP\t2.10.36\tx86_64\n\n")

    (gimp,) = flatpak.read(file)

    assert (gimp.name, gimp.version, gimp.architecture) == ("org.gimp.GIMP", "2.10.36", "x86_64")


@pytest.mark.parametrize(
    ("listing", "expected"),
    [
        (
            "Nom\tID d’application\tVersion\tBranche\tInstallation\n"
            "GIMP\torg.gimp.GIMP\t2.10.36\tstable\tsystem\n"
            "Codecs\torg.freedesktop.Platform.ffmpeg\t\t22.08\tuser\n",
            [
                ("org.gimp.GIMP", "2.10.36", "machine", False),
                ("org.freedesktop.Platform.ffmpeg", "22.08", "user", True),
            ],
        ),
        (
            "com.slack.Slack\tstable\tuser\tSlack\n",
            [("com.slack.Slack", "stable", "user", False)],
        ),
        (
            "Name     Application ID     Version    Branch    Installation\n"
            "GIMP     org.gimp.GIMP      2.10.36    stable    system\n",
            [("org.gimp.GIMP", "2.10.36", "machine", False)],
        ),
        (
            "Ref                                Options\n"
            "org.gimp.GIMP/x86_64/stable        user,current\n"
            "org.freedesktop.Platform/x86_64/18.08 system,runtime\n",
            [
                ("org.gimp.GIMP", "stable", "user", False),
                ("org.freedesktop.Platform", "18.08", "machine", True),
            ],
        ),
        (
            "\nGIMP - Retoucher des images\n\n"
            "          ID: org.gimp.GIMP\n         Ref: app/org.gimp.GIMP/x86_64/stable\n"
            "     Version: 2.10.36\nInstallation: user\n",
            [("org.gimp.GIMP", "2.10.36", "user", False)],
        ),
        (
            "\n   ID: org.gnome.Platform\n  Ref: runtime/org.gnome.Platform/x86_64/45\n",
            [("org.gnome.Platform", "45", "machine", True)],
        ),
    ],
)
def test_what_flatpak_prints_is_read_whatever_its_columns(
    tmp_path: Path, listing: str, expected: list[tuple[str, str, str, bool]]
) -> None:
    found = flatpak.read(placed(tmp_path / "list", listing))

    assert [(each.name, each.version, each.scope, each.hidden) for each in found] == expected


@pytest.mark.parametrize("content", ["one column\n", "a b\t1\n"])
def test_a_broken_flatpak_listing_is_a_failure(tmp_path: Path, content: str) -> None:
    with pytest.raises(SourceError):
        list(flatpak.read(placed(tmp_path / "list", content)))
