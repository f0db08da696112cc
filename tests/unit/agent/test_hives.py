"""A Windows that is not running, laid out from hives: the same entries as an export of it gives."""

import struct
from pathlib import Path

import pytest

from quitus_agent import device, people, reading
from quitus_agent.errors import SourceError
from quitus_agent.inventory import FAILED, READ
from quitus_agent.registry import MAX_VALUE_BYTES, hive, number, text
from quitus_agent.sources import (
    appx,
    office_msi,
    windows_edition,
    windows_uninstall,
    windows_user_uninstall,
)
from tests.makers import regf

OFFICE = "{90140000-003D-0000-1000-0000000FF1CE}"
SOFTWARE: regf.Tree = {
    "Microsoft": {
        "Cryptography": {"MachineGuid": "11111111-2222-3333-4444-555555555555"},
        "Windows NT": {
            "CurrentVersion": {
                "ProductName": "Windows 7 Professional",
                "EditionID": "Professional",
                "InstallationType": "Client",
                "CurrentVersion": "6.1",
                "CurrentBuild": "7601",
            }
        },
        "Windows": {
            "CurrentVersion": {
                "Authentication": {"LogonUI": {"LastLoggedOnUser": "CORP\\zoe"}},
                "Uninstall": {
                    "7-Zip": {"DisplayName": "7-Zip 9.20", "DisplayVersion": "9.20"},
                    "Nameless": {"DisplayVersion": "1"},
                    OFFICE: {
                        "DisplayName": "Microsoft Office Famille et Entreprise 2010",
                        "SystemComponent": 1,
                    },
                },
                "Appx": {
                    "AppxAllUserStore": {
                        "Applications": {
                            "Microsoft.Calculator_10.1.0.0_x64__8wekyb3d8bbwe": {"Path": "C:\\x"}
                        }
                    }
                },
            }
        },
    },
    "Wow6432Node": {
        "Microsoft": {
            "Windows": {"CurrentVersion": {"Uninstall": {"Npp": {"DisplayName": "Notepad++ é"}}}}
        }
    },
}
SYSTEM: regf.Tree = {
    "Select": {"Current": 2},
    "ControlSet001": {"Control": {"ComputerName": {"ComputerName": {"ComputerName": "ALT"}}}},
    "ControlSet002": {
        "Control": {"ComputerName": {"ComputerName": {"ComputerName": "PC-ZOÉ"}}},
        "Services": {"Tcpip": {"Parameters": {"Domain": "corp.example"}}},
    },
}
USER: regf.Tree = {
    "Software": {
        "Microsoft": {
            "Windows": {
                "CurrentVersion": {"Uninstall": {"Zoom": {"DisplayName": "Zoom Workplace"}}}
            }
        }
    }
}
CLASSES: regf.Tree = {
    "Local Settings": {
        "Software": {
            "Microsoft": {
                "Windows": {
                    "CurrentVersion": {
                        "AppModel": {
                            "Repository": {
                                "Packages": {
                                    "Editor.App_2.0.0.0_x64__abcdefghjkmnp": {
                                        "DisplayName": "L'application"
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
CONFIG = "Windows/System32/config"


@pytest.fixture
def windows(tmp_path: Path) -> Path:
    """A mounted disk of a 64-bit Windows with one person's profile."""
    regf.write(tmp_path / CONFIG / "SOFTWARE", SOFTWARE)
    regf.write(tmp_path / CONFIG / "SYSTEM", SYSTEM)
    profile = tmp_path / "Users/zoe"
    regf.write(profile / "NTUSER.DAT", USER)
    regf.write(profile / "AppData/Local/Microsoft/Windows/UsrClass.dat", CLASSES)
    return tmp_path


def names(installs: object) -> list[str]:
    return [install.name for install in installs]  # type: ignore[attr-defined]


def test_a_switched_off_windows_is_read_from_its_hives(windows: Path) -> None:
    found = list(windows_uninstall.scan(windows))

    assert {(each.name, each.architecture, each.hidden) for each in found} == {
        ("7-Zip 9.20", "x64", False),
        ("Microsoft Office Famille et Entreprise 2010", "x64", True),
        ("Notepad++ é", "x86", False),
    }
    assert names(windows_edition.scan(windows)) == ["Microsoft Windows 7 Professional"]
    assert names(windows_user_uninstall.scan(windows)) == ["Zoom Workplace"]
    assert names(appx.scan(windows)) == ["Microsoft.Calculator", "Editor.App"]
    (office,) = office_msi.scan(windows)
    assert office.identifiers["product_code"] == OFFICE


@pytest.mark.parametrize("config", ["WINNT/system32/config", "windows/SYSTEM32/Config"])
def test_a_disk_s_letter_case_hides_nothing(tmp_path: Path, config: str) -> None:
    regf.write(tmp_path / config / "software", SOFTWARE)
    regf.write(tmp_path / "users/zoe/ntuser.dat", USER)

    assert "7-Zip 9.20" in names(windows_uninstall.scan(tmp_path))
    assert names(windows_user_uninstall.scan(tmp_path)) == ["Zoom Workplace"]


@pytest.mark.parametrize(
    "profile", ["System32/config/systemprofile", "ServiceProfiles/LocalService"]
)
def test_what_a_service_installed_is_read_too(windows: Path, profile: str) -> None:
    other = {
        "Software": {
            "Microsoft": {
                "Windows": {
                    "CurrentVersion": {
                        "Uninstall": {"Relais": {"DisplayName": "Relais de messages"}}
                    }
                }
            }
        }
    }
    regf.write(windows / "Windows" / profile / "NTUSER.DAT", other)

    assert "Relais de messages" in names(windows_user_uninstall.scan(windows))


def test_the_device_is_named_by_its_current_control_set(windows: Path) -> None:
    facts = device.facts(windows)

    assert (facts.hostname, facts.domain) == ("PC-ZOÉ", "corp.example")
    assert facts.system == "Microsoft Windows 7 Professional"
    assert facts.system_id == "11111111-2222-3333-4444-555555555555"
    assert people.primary_user(windows) == "CORP\\zoe"


def test_a_device_that_joined_the_cloud_alone_is_told_by_its_tenant(windows: Path) -> None:
    joined = {"CloudDomainJoin": {"JoinInfo": {"0A1B": {"TenantId": "72f988bf-0000"}}}}
    regf.write(windows / CONFIG / "SYSTEM", {"ControlSet001": {"Control": joined}})

    assert device.facts(windows).domain == "72f988bf-0000"


def test_what_people_registered_is_in_the_machine_s_store_too(windows: Path) -> None:
    package = "Slack.App_4.2.0.0_x64__abc"
    store = {"AppxAllUserStore": {"S-1-5-21-1-2-3-1001": {package: {}}, "Config": {"x": {}}}}
    tree = {"Microsoft": {"Windows": {"CurrentVersion": {"Appx": store}}}}
    regf.write(windows / CONFIG / "SOFTWARE", tree)

    found = {(each.name, each.scope) for each in appx.scan(windows)}

    assert ("Slack.App", "user") in found


def test_every_source_of_a_windows_is_read_or_absent(windows: Path) -> None:
    outcomes = {each.name: each.status for each in reading.system(windows).inventory.sources}

    assert outcomes["windows-uninstall"] == READ
    assert FAILED not in outcomes.values()


def test_a_profile_that_is_damaged_is_a_failure_and_the_machine_is_still_read(
    windows: Path,
) -> None:
    (windows / "Users/zoe/NTUSER.DAT").write_bytes(b"regf")

    inventory = reading.system(windows).inventory

    outcomes = {each.name: each for each in inventory.sources}
    assert outcomes["windows-uninstall"].status == READ
    assert outcomes["windows-user-uninstall"].status == FAILED
    assert "zoe" not in outcomes["windows-user-uninstall"].reason
    assert "7-Zip 9.20" in names(inventory.installs)


def test_a_profile_that_is_a_link_names_nobody_either(windows: Path) -> None:
    (windows / "Profils").mkdir()
    (windows / "Users/zoe").rename(windows / "Profils/zoe.durand")
    (windows / "Users/zdurand").symlink_to("/Profils/zoe.durand")
    (windows / "Users/circle").symlink_to("/Users/circle")
    (windows / "Profils/zoe.durand/NTUSER.DAT").write_bytes(b"regf")

    inventory = reading.system(windows).inventory

    outcomes = {each.name: each for each in inventory.sources}
    assert outcomes["windows-uninstall"].status == READ
    told = outcomes["windows-user-uninstall"].reason
    assert "profile 1: …/NTUSER.DAT: Too many levels of symbolic links" in told
    assert "profile 2: …/NTUSER.DAT: " in told
    assert not any(name in repr(inventory) for name in ("zoe", "durand", "circle"))


@pytest.mark.parametrize(
    "place", [r"C:\Users\zoe\AppData\Local\Zoom", r'"C:\Documents and Settings\zoe\Zoom"']
)
def test_a_program_for_everybody_that_lies_with_a_person_does_not_name_them(
    windows: Path, place: str
) -> None:
    zoom = {"DisplayName": "Zoom", "InstallLocation": place}
    shared = {"DisplayName": "Jeu", "InstallLocation": r"C:\Users\Public\Jeu"}
    tree: regf.Tree = {"Microsoft": {"Windows": {"CurrentVersion": {"Uninstall": {}}}}}
    tree["Microsoft"]["Windows"]["CurrentVersion"]["Uninstall"] = {"1": zoom, "2": shared}
    regf.write(windows / CONFIG / "SOFTWARE", tree)

    found = {each.name: each.location for each in reading.system(windows).inventory.installs}

    assert found["Zoom"] == ""
    assert found["Jeu"] == r"C:\Users\Public\Jeu"


@pytest.mark.parametrize("share", [0.0, 0.001, 0.3, 0.7, 0.95])
def test_a_cut_hive_is_a_failure_and_never_a_windows_without_programs(
    windows: Path, share: float
) -> None:
    file = windows / CONFIG / "SOFTWARE"
    whole = file.read_bytes()
    file.write_bytes(whole[: int(len(whole) * share)])

    outcomes = {each.name: each for each in reading.system(windows).inventory.sources}

    assert outcomes["windows-uninstall"].status == FAILED
    assert outcomes["windows-uninstall"].reason


def found_key(path: Path, tree: regf.Tree) -> hive.HiveKey:
    return hive.open_hive(regf.write(path, tree))


def test_a_hive_s_values_come_with_their_types(tmp_path: Path) -> None:
    root = found_key(
        tmp_path / "h",
        {"K": {"s": "é", "d": 7, "q": 1 << 40, "m": ["a", "b"], "b": b"\1\2\3\4\5", "": "default"}},
    )

    key = root.subkey("k")
    assert key
    assert (text(key, "S"), number(key, "D"), number(key, "q")) == ("é", 7, 1 << 40)
    assert key.value("m") == ["a", "b"]
    assert key.value("b") == b"\1\2\3\4\5"
    assert key.value("") == "default"
    assert key.value("absent") is None


@pytest.mark.parametrize("content", [b"", b"\1", b"\1\2", b"\1\2\3", b"\1\2\3\4"])
def test_a_value_that_is_short_enough_to_lie_in_its_own_record_is_read(
    tmp_path: Path, content: bytes
) -> None:
    key = found_key(tmp_path / "h", {"K": {"short": content}}).subkey("K")

    assert key
    assert key.value("short") == content


def test_a_text_ends_where_windows_ends_it(tmp_path: Path) -> None:
    key = found_key(tmp_path / "h", {"K": {"text": "shown\0left over"}}).subkey("K")

    assert key
    assert key.value("text") == "shown"


def test_a_value_that_is_far_too_long_is_left_unread(tmp_path: Path) -> None:
    root = found_key(
        tmp_path / "h", {"K": {"long": b"x" * (MAX_VALUE_BYTES + 6), "most": b"x" * 20_000}}
    )

    key = root.subkey("K")
    assert key
    assert key.value("long") is None
    assert key.value("most") == b"x" * 20_000


def test_many_subkeys_are_all_found(tmp_path: Path) -> None:
    root = found_key(tmp_path / "h", {"K": {f"programme {n:04}": {"n": n} for n in range(1700)}})

    key = root.subkey("K")
    assert key
    assert [number(each, "n") for each in key.subkeys()] == list(range(1700))
    last = root.subkey("K\\PROGRAMME 1699")
    assert last
    assert last.name == "programme 1699"


def test_a_key_that_holds_itself_does_not_hang_the_reader(tmp_path: Path) -> None:
    file = regf.write(tmp_path / "SOFTWARE", SOFTWARE)
    content = bytearray(file.read_bytes())
    # Every list of one subkey now leads back to the root.
    root = struct.unpack_from("<I", content, 36)[0]
    at = content.find(b"lf\1\0")
    while at >= 0:
        struct.pack_into("<I", content, at + 4, root)
        at = content.find(b"lf\1\0", at + 4)
    file.write_bytes(content)

    with pytest.raises(SourceError, match="a list of keys leads elsewhere"):
        list(windows_uninstall.read(file))
