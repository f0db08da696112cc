"""Files made to harm, by name: each is refused with a reason, or read for what it is worth."""

import lzma
import os
import plistlib
import sqlite3
import struct
import sys
from contextlib import closing
from pathlib import Path

import pytest

from quitus_agent import captures, device, people, plists, reading
from quitus_agent.errors import SourceError
from quitus_agent.inventory import FAILED, READ
from quitus_agent.registry import Key, captured, hive
from quitus_agent.sources import (
    dpkg,
    flatpak,
    last_use,
    macos_applications,
    macos_receipts,
    rpm,
    swid,
    windows_uninstall,
)
from tests.makers import documents, regf, rpmdb

MIB = 1024 * 1024
NK_SUBKEYS, NK_LIST, NK_VALUES, NK_VALUE_LIST = 20, 28, 36, 40

has_pipes = pytest.mark.skipif(sys.platform == "win32", reason="pipes have no names in folders")


# --- Hives ---


class Opened:
    """A hive under the knife: keys by name, cells by offset."""

    def __init__(self, tree: regf.Tree, list_length: int = regf.LIST_LENGTH) -> None:
        self.content = bytearray(regf.hive(tree, list_length))

    def key(self, name: str) -> int:
        """The offset of a key's cell from the first bin."""
        at = self.content.index(struct.pack("<H", len(name)) + b"\0\0" + name.encode(), 4096)
        return at - 72 - 4 - 4096

    def get(self, offset: int, field: int) -> int:
        return int(struct.unpack_from("<I", self.content, 4096 + offset + 4 + field)[0])

    def set(self, offset: int, field: int, number: int) -> None:
        struct.pack_into("<I", self.content, 4096 + offset + 4 + field, number)

    def read(self, path: Path) -> hive.HiveKey:
        path.write_bytes(regf.mended(bytes(self.content)))
        return hive.open_hive(path)


TREE = {"Above": {"Below": {"name": "value", "long": bytes(50_000)}, "Beside": {}}}


@pytest.fixture
def opened() -> Opened:
    return Opened(TREE)


def everything(key: Key) -> None:
    for name in key.value_names():
        key.value(name)
    for each in key.subkeys():
        everything(each)


def test_a_key_listed_below_itself_is_damage(opened: Opened, tmp_path: Path) -> None:
    above = opened.key("Above")
    opened.set(opened.get(above, NK_LIST), 4, above)

    with pytest.raises(SourceError, match="a list of keys leads elsewhere"):
        everything(opened.read(tmp_path / "h"))


def test_a_key_listed_twice_is_damage(opened: Opened, tmp_path: Path) -> None:
    above = opened.key("Above")
    opened.set(opened.get(above, NK_LIST), 12, opened.key("Below"))

    with pytest.raises(SourceError, match="a list of keys"):
        everything(opened.read(tmp_path / "h"))


def test_a_list_of_lists_that_holds_itself_is_damage(tmp_path: Path) -> None:
    opened = Opened({f"k{number}": {} for number in range(9)}, list_length=4)
    place = struct.unpack_from("<I", opened.content, 36)[0]
    lists = opened.get(place, NK_LIST)
    opened.set(lists, 4, lists)

    with pytest.raises(SourceError, match="a list of keys"):
        everything(opened.read(tmp_path / "h"))


@pytest.mark.parametrize("field", [NK_SUBKEYS, NK_LIST, NK_VALUES, NK_VALUE_LIST])
@pytest.mark.parametrize("number", [5, 7, 4096, 0x7FFFFFF8, 0x80000000, 0xFFFFFFF8])
def test_a_key_whose_lists_are_not_where_it_says_is_damage(
    opened: Opened, tmp_path: Path, field: int, number: int
) -> None:
    name = "Above" if field in (NK_SUBKEYS, NK_LIST) else "Below"
    opened.set(opened.key(name), field, number)

    with pytest.raises(SourceError, match="the hive is damaged"):
        everything(opened.read(tmp_path / "h"))


def test_a_header_that_is_not_what_its_checksum_says_is_damage(
    opened: Opened, tmp_path: Path
) -> None:
    opened.content[36] ^= 8
    (tmp_path / "h").write_bytes(opened.content)

    with pytest.raises(SourceError, match="h: the hive's header is damaged"):
        hive.open_hive(tmp_path / "h")


def test_a_value_of_100_megabytes_is_passed_over_and_the_others_are_read(tmp_path: Path) -> None:
    program = {"DisplayName": "7-Zip", "Large": bytes(100 * MIB), "DisplayVersion": "23"}
    path = regf.write(
        tmp_path / "SOFTWARE", documents.nested({rf"{documents.UNINSTALL}\7-Zip": program})
    )

    (install,) = windows_uninstall.read(path)

    assert (install.name, install.version) == ("7-Zip", "23")


def test_an_xz_file_that_unpacks_to_far_too_much_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(captures, "MAX_UNPACKED_BYTES", 4 * MIB)
    bomb = tmp_path / "SOFTWARE.xz"
    bomb.write_bytes(lzma.compress(bytes(16 * MIB)))

    with pytest.raises(SourceError, match="larger than 4 MiB"):
        captured.registry(bomb)


# --- rpm databases ---


def database(path: Path, *statements: str) -> Path:
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(";".join(statements))
    return path


ENDLESS = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x FROM n"
TABLE = "CREATE TABLE Packages (hnum INTEGER PRIMARY KEY, blob BLOB NOT NULL)"


@pytest.mark.parametrize(
    ("statements", "complaint"),
    [
        ((f"CREATE VIEW Packages AS SELECT 1 AS hnum, x AS blob FROM ({ENDLESS})",), "no table"),
        (("CREATE TABLE Name (key, hnum)",), "no table of packages"),
        ((TABLE, "INSERT INTO Packages VALUES (1, 'text')"), "header is not binary"),
        ((TABLE, "INSERT INTO Packages VALUES (1, zeroblob(8))"), "no name or no version"),
        ((TABLE, "INSERT INTO Packages VALUES (1, zeroblob(3))"), "in the middle of a record"),
        (
            (
                "CREATE TABLE Packages (hnum INTEGER PRIMARY KEY, n,"
                " blob GENERATED ALWAYS AS (zeroblob(n)))",
                "INSERT INTO Packages VALUES (1, 900000000)",
            ),
            "too big",
        ),
        (
            (
                "CREATE TABLE Packages (hnum INTEGER PRIMARY KEY, n,"
                " blob GENERATED ALWAYS AS (zeroblob(n)))",
                "INSERT INTO Packages VALUES (1, 1000000)",
            ),
            "more room than itself",
        ),
    ],
)
def test_a_database_whose_schema_is_not_rpm_s_is_refused(
    tmp_path: Path, statements: tuple[str, ...], complaint: str
) -> None:
    path = database(tmp_path / "rpmdb.sqlite", *statements)

    with pytest.raises(SourceError, match=complaint):
        list(rpm.read(path))


def test_a_database_that_keeps_sqlite_busy_without_end_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows that are all skipped would be looked through for as long as there are any."""
    monkeypatch.setattr("quitus_agent.rpmdb.MAX_SQLITE_STEPS", 100_000)
    path = database(
        tmp_path / "rpmdb.sqlite",
        "CREATE TABLE Packages (hnum INTEGER, blob BLOB NOT NULL)",
        f"INSERT INTO Packages SELECT x, x'00' FROM ({ENDLESS} LIMIT 100000)",
    )

    with pytest.raises(SourceError, match="interrupted"):
        list(rpm.read(path))


def test_a_database_whose_schema_is_not_even_text_is_refused(tmp_path: Path) -> None:
    path = rpmdb.sqlite(tmp_path / "rpmdb.sqlite", documents.RPMS)
    path.write_bytes(path.read_bytes().replace(b"CREATE TABLE", b"CREATE TABL\x9c"))

    with pytest.raises(SourceError, match=r"rpmdb\.sqlite: has a schema that is not text"):
        list(rpm.read(path))


def test_a_trigger_is_not_pulled_by_reading(tmp_path: Path) -> None:
    path = rpmdb.sqlite(tmp_path / "rpmdb.sqlite", documents.RPMS)
    database(path, "CREATE TRIGGER t AFTER INSERT ON Packages BEGIN DELETE FROM Packages; END")

    assert [install.name for install in rpm.read(path)] == ["bash", "java"]


def test_slots_that_share_one_package_are_refused(tmp_path: Path) -> None:
    """Else a small file would be a long list."""
    path = rpmdb.ndb(tmp_path / "Packages.db", documents.RPMS[2:])
    content = bytearray(path.read_bytes())
    slot = content[32:48]
    content[48:4096] = slot * ((4096 - 48) // 16)
    path.write_bytes(content)

    with pytest.raises(SourceError, match="more room than itself"):
        list(rpm.read(path))


@pytest.mark.parametrize("order", ["<", ">"])
def test_a_berkeley_value_whose_pages_lead_in_a_circle_is_refused(
    tmp_path: Path, order: str
) -> None:
    path = rpmdb.berkeley(tmp_path / "Packages", documents.RPMS[2:], order)
    content = bytearray(path.read_bytes())
    pages = [at for at in range(0, len(content), rpmdb.PAGE) if content[at + 25] == 7]
    assert len(pages) > 1
    for at in pages:
        struct.pack_into(f"{order}I", content, at + 16, pages[0] // rpmdb.PAGE)
    path.write_bytes(content)

    with pytest.raises(SourceError, match="none of its own"):
        list(rpm.read(path))


def test_berkeley_items_that_overlap_are_refused(tmp_path: Path) -> None:
    path = rpmdb.berkeley(tmp_path / "Packages", documents.RPMS[:1])
    content = bytearray(path.read_bytes())
    at = next(at for at in range(0, len(content), rpmdb.PAGE) if content[at + 25] == 13)
    struct.pack_into("<H", content, at + 26 + 2 * 3, 0xFFFF)
    path.write_bytes(content)

    with pytest.raises(SourceError, match="a page of the database is damaged"):
        list(rpm.read(path))


# --- Property lists ---


def binary(*objects: bytes) -> bytes:
    """A binary list of these objects, the first of which is its root."""
    body, offsets = b"bplist00", b""
    for each in objects:
        offsets += struct.pack(">H", len(body))
        body += each
    return body + offsets + struct.pack(">6xBBQQQ", 2, 1, len(objects), 0, len(body))


def shared_lists(depth: int) -> bytes:
    """Each level names the one below it twice: 2 ** depth letters in all."""
    levels = (b"\xa2" + bytes([number + 1, number + 1]) for number in range(depth))
    return binary(*levels, b"\x51x")


def test_a_name_that_is_a_list_of_lists_without_end_is_no_name(tmp_path: Path) -> None:
    bomb = plistlib.loads(shared_lists(60))
    path = tmp_path / "Info.plist"
    path.write_bytes(shared_lists(60))

    assert plists.text(bomb) == ""
    assert len(plists.read(path)) == 2
    entry = {"_name": bomb, "signed_by": [bomb], "lastModified": bomb, "path": "/a.app"}
    (install,) = macos_applications.parse_items([entry])
    assert install == install._replace(name="a", publisher="", installed_on="", location="/a.app")


@pytest.mark.parametrize(
    "name",
    [b"\x14\x7f" + b"\xff" * 15, b"\x09", b"\x00", b"\xa0", b"\x42ab"],
    ids=["a number of 38 digits", "true", "null", "a list", "bytes"],
)
def test_a_name_that_is_no_text_is_no_name(tmp_path: Path, name: bytes) -> None:
    path = tmp_path / "Info.plist"
    path.write_bytes(binary(b"\xd1\x01\x02", b"\x5bdisplayName", name))

    assert plists.text(plists.read_dict(path)["displayName"]) == ""


@pytest.mark.parametrize("opening", ["<array>", "<dict><key>a</key>"])
def test_a_property_list_of_any_depth_is_read_or_refused(tmp_path: Path, opening: str) -> None:
    path = tmp_path / "InstallHistory.plist"
    depth = 100_000
    closing_tag = f"</{opening[1:].partition('>')[0]}>"
    path.write_text(f"<plist>{opening * depth}{closing_tag * depth}</plist>")

    found = reading.capture(path, "macos-receipts")

    assert found.installs == []


def test_a_binary_list_that_holds_itself_says_nothing(tmp_path: Path) -> None:
    path = tmp_path / "InstallHistory.plist"
    path.write_bytes(binary(b"\xa2\x00\x00"))

    with pytest.raises(SourceError, match="tells no install"):
        list(macos_receipts.read(path))


def test_lists_where_dicts_belong_say_nothing_of_a_mac(tmp_path: Path) -> None:
    for place in (
        "System/Library/CoreServices/SystemVersion.plist",
        people.MACOS_LOGIN_WINDOW,
    ):
        (tmp_path / place).parent.mkdir(parents=True)
        (tmp_path / place).write_bytes(plistlib.dumps([1, 2]))

    assert device.facts(tmp_path).system == "macOS"
    assert people.primary_user(tmp_path) == ""


# --- Texts ---


@pytest.mark.parametrize("encoding", ["utf-16", "cp1252", "shift-jis", "utf-8-sig", "cp037"])
def test_a_status_file_in_another_encoding_is_read_or_refused(
    tmp_path: Path, encoding: str
) -> None:
    (tmp_path / "status").write_bytes(documents.STATUS.encode(encoding, errors="replace"))

    found = reading.capture(tmp_path / "status", "dpkg")

    (outcome,) = found.sources
    assert [outcome.status, bool(outcome.reason)] in ([READ, False], [FAILED, True])
    # A field's name is plain ASCII: where it is not found, nothing is made up.
    assert [install.name for install in found.installs] in ([], ["bash"])


def test_letters_that_are_not_utf_8_cost_themselves_alone(tmp_path: Path) -> None:
    (tmp_path / "status").write_bytes(documents.STATUS.encode("cp1252"))

    (bash,) = dpkg.read(tmp_path / "status")

    assert bash.publisher == "Zo\ufffd <zoe@example.org>"


@pytest.mark.parametrize(
    "form",
    [
        *("dpkg", "apk", "pacman", "rpm", "snap", "flatpak", "swid", "glpi", "nix"),
        *("windows-uninstall", "visual-studio", "activation"),
        *("macos-receipts", "macos-applications"),
    ],
)
def test_a_file_of_one_line_and_a_gigabyte_is_refused(tmp_path: Path, form: str) -> None:
    path = tmp_path / "one-line"
    path.touch()
    os.truncate(path, 1024 * MIB)

    with pytest.raises(SourceError, match="larger than"):
        list(documents.READERS[form](path))


def test_a_line_of_many_megabytes_is_refused(tmp_path: Path) -> None:
    (tmp_path / "status").write_bytes(b"Package: " + b"a" * (8 * MIB))

    with pytest.raises(SourceError, match="a line is longer than"):
        list(dpkg.read(tmp_path / "status"))


def test_a_registry_text_that_never_ends_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "endless.reg"
    path.write_text('REGEDIT4\n\n[HKEY_LOCAL_MACHINE]\n"a"="' + "line\n" * 400_000)

    with pytest.raises(SourceError, match="line 4: a value that does not end"):
        list(windows_uninstall.read(path))


@pytest.mark.parametrize("encoding", ["rot13", "nobody-knows", "idna", "hex"])
def test_a_tag_in_an_encoding_that_is_none_is_refused(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "a.swidtag"
    path.write_text(f'<?xml version="1.0" encoding="{encoding}"?><a/>')

    with pytest.raises(SourceError, match=r"a\.swidtag: "):
        list(swid.read(path))


def test_a_tag_that_grows_by_entities_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.swidtag"
    levels = "".join(f'<!ENTITY e{n + 1} "{f"&e{n};" * 10}">' for n in range(9))
    path.write_text(f'<!DOCTYPE a [<!ENTITY e0 "ha">{levels}]><a>&e9;</a>')

    with pytest.raises(SourceError, match="declares entities"):
        list(swid.read(path))


# --- Things that are no files ---


@has_pipes
def test_a_pipe_in_place_of_a_file_makes_nobody_wait(tmp_path: Path) -> None:
    bundle = tmp_path / "Applications/Word.app/Contents"
    bundle.mkdir(parents=True)
    os.mkfifo(bundle / "Info.plist")
    metainfo = tmp_path / "app/org.acme.App/x86_64/stable/active/files/share/metainfo"
    metainfo.mkdir(parents=True)
    os.mkfifo(metainfo / "org.acme.App.metainfo.xml")

    for read in (plists.read, captures.content, captures.text, hive.open_hive, rpm.read):
        with pytest.raises(SourceError, match=r"Info\.plist: is not a file"):
            list(read(bundle / "Info.plist"))
    # What a publisher says of an application may be missing; the application is there.
    active = metainfo.parents[2].relative_to(tmp_path)
    assert flatpak._deployment(tmp_path, active, "machine").name == "org.acme.App"


@has_pipes
def test_a_pipe_in_somebody_s_home_is_no_record_of_theirs(tmp_path: Path) -> None:
    state = tmp_path / "home/zoe" / last_use.GNOME_STATE
    state.parent.mkdir(parents=True)
    os.mkfifo(state)

    assert list(last_use.scan(tmp_path)) == []


def test_a_record_in_somebody_s_home_that_is_damaged_names_nobody(tmp_path: Path) -> None:
    state = tmp_path / "home/zoe" / last_use.GNOME_STATE
    state.parent.mkdir(parents=True)
    state.touch()
    os.truncate(state, 300 * MIB)

    with pytest.raises(SourceError, match="home 1: …") as raised:
        list(last_use.scan(tmp_path))
    assert "zoe" not in str(raised.value)


@has_pipes
def test_a_file_without_end_is_not_read(tmp_path: Path) -> None:
    # Links of a disk lead to that disk's own things; its devices may be read without end too.
    (tmp_path / "dev").mkdir()
    os.mkfifo(tmp_path / "dev/zero")
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/os-release").symlink_to("/dev/zero")
    (tmp_path / "var/lib/dpkg").mkdir(parents=True)
    (tmp_path / "var/lib/dpkg/status").symlink_to("/dev/zero")

    found = reading.system(tmp_path)

    (outcome,) = (each for each in found.inventory.sources if each.name == "dpkg")
    assert outcome.status == FAILED
    assert "is not a file" in outcome.reason


def test_numbers_of_any_length_are_no_numbers(tmp_path: Path) -> None:
    """Turning 5,000 digits into a number is an error in Python, and millions take minutes."""
    digits = "9" * 5000
    listing = tmp_path / "listing"
    listing.write_text(f"a\tnoarch\t1-1\t{digits}\t1\t(none)\n")
    export = tmp_path / "export.reg"
    current = "HKEY_LOCAL_MACHINE\\SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion"
    export.write_text(
        f'REGEDIT4\n\n[{current}]\n"ProductName"="Windows 10"\n'
        f'"CurrentBuild"="{digits}"\n"UBR"="{digits}"\n'
    )
    wmi = tmp_path / "wmi"
    wmi.write_text(f"PartialProductKey=ABCDE\nLicenseStatus={digits}\n")

    assert [each.installed_on for each in rpm.read(listing)] == [""]
    assert len(list(documents.READERS["windows-edition"](export))) == 1
    assert len(list(documents.READERS["activation"](wmi))) == 1
