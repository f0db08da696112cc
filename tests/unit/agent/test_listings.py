"""Lists that other tools and other systems print."""

from pathlib import Path

import pytest

from quitus_agent.errors import SourceError
from quitus_agent.foreign import LISTINGS
from quitus_agent.inventory import Install
from quitus_agent.sources import pacman, rpm
from tests.makers import regf

READERS = {each.name: each.read for each in (*LISTINGS, pacman.SOURCE, rpm.SOURCE)}
GLPI_XML = """<?xml version="1.0" encoding="UTF-8"?>
<REQUEST><CONTENT>
<SOFTWARES><NAME>Éditeur</NAME><VERSION>7</VERSION><PUBLISHER>SA</PUBLISHER><FROM>registry</FROM></SOFTWARES>
<SOFTWARES><NAME>bash </NAME><VERSION>5</VERSION><ARCH>amd64</ARCH></SOFTWARES>
</CONTENT></REQUEST>"""


def read(tmp_path: Path, form: str, content: str) -> list[Install]:
    file = tmp_path / "listing"
    file.write_text(content, encoding="utf-8")
    return list(READERS[form](file))


@pytest.mark.parametrize(
    ("form", "content", "expected"),
    [
        (
            "dpkg-query",
            "bash\tamd64\t5.2\t1\tshells\tinstall ok installed\n"
            "old\tamd64\t1\t1\tx\tdeinstall ok config-files\n",
            [("bash", "5.2")],
        ),
        (
            "dpkg-query",
            "bash\t5.2-2+b7\nlibc6:amd64\t2.36-9\nremoved\t\n",
            [("bash", "5.2-2+b7"), ("libc6", "2.36-9")],
        ),
        (
            "dpkg-query",
            "Souhait=inconnU/Installé/suppRimé/Purgé/H=à garder\n"
            "| État=Non/Installé/fichier-Config/dépaqUeté/échec-conFig/H=semi-installé\n"
            "|/ Err?=(aucune)/besoin Réinstallation (État,Err: majuscule=mauvais)\n"
            "||/ Nom            Version      Architecture Description\n"
            "+++-==============-============-============-=================\n"
            "ii  bash           5.2.15-2+b7  amd64        GNU Bourne Again SHell\n"
            "rc  vieux          1.0          all          parti\n"
            "ii  libc6:amd64    2.36-9       amd64        GNU C Library\n",
            [("bash", "5.2.15-2+b7"), ("libc6", "2.36-9")],
        ),
        ("glpi", GLPI_XML, [("Éditeur", "7"), ("bash ", "5")]),
        (
            "glpi",
            '{"content": {"softwares": [{"name": "Éditeur", "version": 7}]}}',
            [("Éditeur", "7")],
        ),
        (
            "hotfixes",
            "HotFixID=KB5034441\nDescription=Security Update\n\nHotFixID=File 1\n\n"
            "HotFixID=KB976002-v5\nDescription=Update\n\nHotFixID=XpsEPSC\n",
            [("KB5034441", ""), ("KB976002-v5", "")],
        ),
        ("hotfixes", "HotFixID   \r\r\nKB5034441  \r\r\n\r\r\n", [("KB5034441", "")]),
        (
            "hotfixes",
            "Source    Description      HotFixID   InstalledBy          InstalledOn\n"
            "------    -----------      --------   -----------          -----------\n"
            "PC-1      Security Update  KB5034441  AUTORITE NT\\Système 12/03/2024 00:00:00\n"
            "PC-1      Update           File 1     zoe\n\n",
            [("KB5034441", "")],
        ),
        (
            "nix",
            "".join(
                f"/nix/store/{'a' * 32}-{name}\n"
                for name in (
                    *("etc-hosts", "foo-1.0-rc1", "bar-unstable-2023-10-17", "python3.11-x-2"),
                    *("dbus-1.14-dev", "libfoo-2.0-lib", "hook.drv", "vscode-1.87.0"),
                )
            ),
            [
                ("foo", "1.0-rc1"),
                ("bar-unstable", "2023-10-17"),
                ("python3.11-x", "2"),
                ("vscode", "1.87.0"),
            ],
        ),
        (
            "nix",
            f"/nix/store/{'a' * 32}-bash-5.2p15\n/nix/store/{'b' * 32}-bash-5.2p15\n"
            f"/nix/store/{'c' * 32}-bash-5.2.tar.gz\n",
            [("bash", "5.2p15")],
        ),
        (
            "lslpp",
            "#Path:Fileset:Level:\n"
            "/usr/lib/objrepos:bos.rte:7.2.0.0::COMMITTED:I:Base:\n"
            "/etc/objrepos:bos.rte:7.2.0.0::COMMITTED:I:Base:\n",
            [("bos.rte", "7.2.0.0")],
        ),
        (
            "lslpp",
            "#Package Name:Fileset:Level:State:PTF Id:Fix State:Type:Description:Destination Dir.:"
            "Uninstaller:Message Catalog:Message Set:Message Number:Parent:Automatic:EFIX Locked\n"
            "bos.rte:bos.rte.libc:7.2.5.0: : :C:F:libc Library: : : : : : :0:0:/:2045\n",
            [("bos.rte.libc", "7.2.5.0")],
        ),
        ("pkg_info", "bash-5.2.15        GNU shell\n", [("bash", "5.2.15")]),
        (
            "pkg_info",
            "vim-9.0.2035-no_x11-perl  vi clone\npython-3.11.8p0     language\nquirks-7.1\n"
            "xorg-fonts-100dpi-7.7_1  fonts\nApache-mod-v2,1  modules\n",
            [
                ("vim", "9.0.2035"),
                ("python", "3.11.8p0"),
                ("quirks", "7.1"),
                ("xorg-fonts-100dpi", "7.7_1"),
                ("Apache-mod", "v2,1"),
            ],
        ),
        (
            "swlist",
            "# Initializing\n  Ignite-UX  C.7.1  HP-UX Tools\n  PHCO_1  1.0  patch\n",
            [("Ignite-UX", "C.7.1"), ("PHCO_1", "1.0")],
        ),
        (
            "pkginfo",
            "PKGINST:  SUNWbash\nVERSION:  11.10\nVENDOR:  Sun\n\nName: web/browser\nVersion: 2\n",
            [("SUNWbash", "11.10"), ("web/browser", "2")],
        ),
    ],
)
def test_a_listing_is_read(
    tmp_path: Path, form: str, content: str, expected: list[tuple[str, str]]
) -> None:
    found = read(tmp_path, form, content)

    assert [(each.name, each.version) for each in found] == expected


GERMAN = """\
Gewünscht=Unbekannt/Installieren/R=Entfernen/P=Vollständig Löschen/Halten
| Status=Nicht/Installiert/Config/U=Entpackt/halb konFiguriert/
         Halb installiert/Trigger erWartet/Trigger anhängig
|/ Fehler?=(kein)/R=Neuinstallation notwendig (Status, Fehler: GROSS=schlecht)
||/ Name                      Version              Architektur  Beschreibung
+++-=========================-====================-============-==============================
hi  linux-image-generic       1:6.1.90-1           amd64        Kern, ab Werk
iU  libpam-modules-bin:i386   1.5.2-6+deb12u1      i386         PAM-Module
iHR halb                      <keine>              <keine>      (keine Beschreibung vorhanden)
pn  nie                       <keine>              <keine>      (keine Beschreibung vorhanden)
ii  language-pack-de-base-all 1                    all          Übersetzungen
"""
OLD = """\
要望=(U)不明/(I)インストール/(R)削除/(P)完全削除/(H)保持
| 状態=(N)無/(I)インストール済/(C)設定/(U)展開/(F)設定失敗/(H)半インストール
|/ エラー?=(空欄)無/(R)要再インストール
||/ 名前           バージョン     説明
+++-==============-==============-============================================
ii  bash           4.1-3          all GNU
"""


def test_a_listing_by_dpkg_is_read_whatever_its_language(tmp_path: Path) -> None:
    found = read(tmp_path, "dpkg-query", GERMAN)
    (old,) = read(tmp_path, "dpkg-query", OLD.replace("all GNU", "GNU Bourne"))

    assert [(each.name, each.version, each.architecture) for each in found] == [
        ("linux-image-generic", "1:6.1.90-1", "amd64"),
        ("libpam-modules-bin", "1.5.2-6+deb12u1", "i386"),
        ("halb", "", ""),
        ("language-pack-de-base-all", "1", "all"),
    ]
    assert (old.name, old.version, old.architecture) == ("bash", "4.1-3", "")


FILLED = "ii  bash           5.2.15-2     amd64        GNU Bourne Again SHell, and more o"


def ruled(*widths: int) -> str:
    return "+++-" + "-".join("=" * width for width in widths) + "\n"


@pytest.mark.parametrize(
    ("widths", "row"),
    [
        ((14, 12, 12, 33), "ii  adwaita-icon-t 43-1         all          default icon theme"),
        ((14, 12, 12, 33), "ii  bash           2.24.33-2+de amd64        GTK"),
        ((14, 14, 44), "ii  adwaita-icon-t 43-1           default icon theme"),
        ((23, 16, 16, 52), "ii  gnome-icon-theme-symbol 43-1             all              icons"),
    ],
)
def test_names_and_versions_that_a_terminal_may_have_cut_are_refused(
    tmp_path: Path, widths: tuple[int, ...], row: str
) -> None:
    with pytest.raises(SourceError, match="line 3 fills its column and may be cut: "):
        read(tmp_path, "dpkg-query", f"Desired=…\n{ruled(*widths)}{row}\n{FILLED}\n")


@pytest.mark.parametrize(
    "row",
    [
        "ii  base-passwords 12.4+deb12u5 amd64        Debian base system",
        "ii  base-files     12.4+deb12u5 amd64        Debian base system, in more than 33 letters",
    ],
)
def test_a_short_listing_that_a_terminal_need_not_cut_is_whole(tmp_path: Path, row: str) -> None:
    ruler = ruled(14, 12, 12, 33 if len(row) < 78 else len(row) - 45)

    (found,) = read(tmp_path, "dpkg-query", f"Desired=…\n{ruler}{row}\n")

    assert found.version == "12.4+deb12u5"


def test_the_longest_name_of_a_listing_that_cuts_nothing_is_whole(tmp_path: Path) -> None:
    row = "ii  adwaita-icon-theme 43-1         all          default icon theme"

    (found,) = read(tmp_path, "dpkg-query", f"Desired=…\n{ruled(18, 12, 12, 33)}{row}\n")

    assert found.name == "adwaita-icon-theme"


def test_version_and_architecture_of_a_format_may_come_in_any_order(tmp_path: Path) -> None:
    (found,) = read(tmp_path, "dpkg-query", "libc6:amd64\t2.36-9\tamd64\n")

    assert (found.name, found.version, found.architecture) == ("libc6", "2.36-9", "amd64")


@pytest.mark.parametrize(
    ("form", "content"),
    [
        ("glpi", '{"content": {"softwares": []}}'),
        ("hotfixes", "Description=Update\nHotFixID=File 1\n"),
        ("dpkg-query", "bash\tamd64\t5\t1\tx\tinstall ok installed\n"),
    ],
)
def test_a_form_may_state_that_nothing_is_there(tmp_path: Path, form: str, content: str) -> None:
    assert len(read(tmp_path, form, content)) == content.count("bash")


def test_a_mark_before_an_inventory_costs_nothing(tmp_path: Path) -> None:
    content = '\ufeff{"content": {"softwares": [{"name": "a"}]}}'

    assert [each.name for each in read(tmp_path, "glpi", content)] == ["a"]


def test_the_programs_of_an_amcache_are_read_in_both_its_forms(tmp_path: Path) -> None:
    file = regf.write(
        tmp_path / "Amcache.hve",
        {
            "Root": {
                "InventoryApplication": {"1": {"Name": "Éditeur", "Version": "7"}, "2": {}},
                "Programs": {"3": {"0": "Vieux", "1": "1", "2": "SA"}},
            }
        },
    )

    found = list(READERS["amcache"](file))

    assert [(each.name, each.version, each.publisher) for each in found] == [
        ("Éditeur", "7", ""),
        ("Vieux", "1", "SA"),
    ]


UTF_16_BE = "utf-16-be"
PRETTY = """<?xml version="1.0" encoding="UTF-8"?>
<REQUEST><CONTENT><SOFTWARES>
  <NAME>
    Éditeur
  </NAME>
  <VERSION> 7.10 </VERSION>
</SOFTWARES></CONTENT></REQUEST>"""


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", UTF_16_BE])
@pytest.mark.parametrize(
    ("form", "content"),
    [
        ("glpi", PRETTY),
        ("glpi", '{"content": {"softwares": [{"name": "Éditeur", "version": 7.10}]}}'),
    ],
)
def test_an_inventory_is_read_in_any_unicode(
    tmp_path: Path, form: str, content: str, encoding: str
) -> None:
    if encoding == UTF_16_BE:
        content = f"\ufeff{content}"
    (tmp_path / "listing").write_bytes(content.encode(encoding))

    (found,) = READERS[form](tmp_path / "listing")

    assert (found.name, found.version) == ("Éditeur", "7.10")


def test_an_inventory_s_row_without_a_name_is_called_by_its_key(tmp_path: Path) -> None:
    rows = '[{"guid": "AcmeTool", "version": 2}, {"name": null}, {"name": "", "guid": ""}]'

    (found,) = read(tmp_path, "glpi", f'{{"content": {{"softwares": {rows}}}}}')

    assert (found.name, found.version) == ("AcmeTool", "2")


def test_an_inventory_s_patches_are_hidden(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        "glpi",
        '{"content": {"softwares": [{"name": "Office"}, {"name": "SP1", "release_type":'
        ' "Service Pack"}, {"name": "Mise à jour pour Windows (KB5034441)"}]}}',
    )

    assert [each.hidden for each in found] == [False, True, True]


@pytest.mark.parametrize(
    ("form", "content"),
    [
        ("glpi", '{"content": {"softwares": [{"name": "a"}, {"version": "1"}]}}'),
        ("pkginfo", "PKGINST: a\nVERSION: 1\n\nVERSION: 2\nVENDOR: Sun\n"),
        ("lslpp", "/usr/lib/objrepos::7.2.0.0::COMMITTED:I:Base:\n"),
        ("dpkg-query", ":amd64\t1.0\n"),
        ("pacman", " 5.2-2\n"),
        ("rpm", '{"rpms": [{"name": "", "version": "1", "release": "1", "architecture": "a"}]}'),
    ],
)
def test_a_record_without_any_name_is_a_failure(tmp_path: Path, form: str, content: str) -> None:
    with pytest.raises(SourceError, match=r"has no name|names no fileset|is not a name"):
        read(tmp_path, form, content)


@pytest.mark.parametrize(
    ("form", "content"),
    [
        ("dpkg-query", "ii  \t \n"),
        ("dpkg-query", "bash\tamd64\n"),
        ("dpkg-query", "bash\t\t\t\tinstall\n"),
        ("glpi", "{"),
        ("glpi", "[" * 100_000),
        ("glpi", '{"content": 3}'),
        ("glpi", "<REQUEST>"),
        ("amcache", "regf"),
        ("pkg_info", "bash-5.2  shell\nno package here\n"),
        ("nix", f"/nix/store/{'a' * 32}-bash-5.2\n/usr/bin/bash\n"),
        ("lslpp", "#Path\nroot:x:0:0:root:/root:/bin/sh\n"),
        ("swlist", "  words  in columns\n"),
        ("hotfixes", "Instance(s) introuvable(s).\n"),
    ],
)
def test_a_broken_listing_is_a_failure(tmp_path: Path, form: str, content: str) -> None:
    with pytest.raises(SourceError):
        read(tmp_path, form, content)
