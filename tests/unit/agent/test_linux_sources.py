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
        ("garbage\n", "line 1 is not a letter, a colon and a value"),
        ("P:a\nV", "line 2 is not a letter"),
    ],
)
def test_a_broken_apk_database_is_a_failure(tmp_path: Path, content: str, complaint: str) -> None:
    file = placed(tmp_path / "installed", content)

    with pytest.raises(SourceError, match=f"{file}: .*{complaint}"):
        list(apk.read(file))


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


@pytest.mark.parametrize("listing", ["bash 5.2.026-2\nzlib 1:1.3.1-1\n", PACMAN_QI])
def test_what_pacman_prints_is_read(tmp_path: Path, listing: str) -> None:
    found = list(pacman.read(placed(tmp_path / "list", listing)))

    assert [(each.name, each.version) for each in found] == [
        ("bash", "5.2.026-2"),
        ("zlib", "1:1.3.1-1"),
    ]


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
