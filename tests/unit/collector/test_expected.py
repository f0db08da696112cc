import pytest

from quitus_collector.adapters.sheets import expected_csv
from quitus_collector.domain.expected import (
    ExpectedDevice,
    Group,
    SeenDevice,
    SystemCoverage,
    by_system,
    coverage,
    without,
)
from quitus_collector.domain.systems import System, family
from quitus_collector.errors import UsageError


def test_coverage_is_of_what_there_should_be_and_what_there_is() -> None:
    expected = [
        ExpectedDevice("PC-1.corp.example", "Lyon", "Windows"),
        ExpectedDevice("pc-2", "Lyon", "Windows"),
        ExpectedDevice("pc-3", "Paris", "Debian"),
    ]
    seen = [SeenDevice("pc-1", True), SeenDevice("PC-2", False), SeenDevice("guest", True)]

    found = coverage(expected, seen)

    assert (found.known, found.reporting) == (4, 2)
    assert found.groups == (
        Group("Lyon", "Windows", 2, 2, 1),
        Group("Paris", "Debian", 1, 0, 0),
    )
    assert [each.name for each in found.never_seen] == ["pc-3"]
    assert found.not_expected == ("guest",)


def test_without_a_list_coverage_is_of_what_is_enrolled() -> None:
    found = coverage([], [SeenDevice("a", True), SeenDevice("b", False)])

    assert (found.known, found.reporting, found.not_expected, found.groups) == (2, 1, (), ())


def test_a_machine_enrolled_twice_is_one_and_reports_if_either_does() -> None:
    found = coverage([ExpectedDevice("a")], [SeenDevice("a", True), SeenDevice("A", False)])

    assert (found.known, found.reporting) == (1, 1)


def test_coverage_by_system_is_by_what_devices_said_and_else_by_the_list() -> None:
    expected = [
        ExpectedDevice("pc-1", system="Windows 10 Professionnel"),
        ExpectedDevice("pc-2", system="Windows 11"),
        ExpectedDevice("srv-1", system="Windows 11"),
        ExpectedDevice("mac-1"),
        ExpectedDevice("gone", system="Windows Server 2019"),
    ]
    seen = [
        SeenDevice("pc-1", True, "Microsoft Windows 11 Pro"),
        SeenDevice("PC-2.corp", False),
        SeenDevice("srv-1", True, "Microsoft Windows Server 2022 Standard"),
        SeenDevice("guest", False, "Debian GNU/Linux"),
    ]

    found = by_system(expected, seen)

    assert found == (
        SystemCoverage(System.WINDOWS_WORKSTATION, 2, 2, 1, 1, 0),
        SystemCoverage(System.WINDOWS_SERVER, 2, 1, 1, 0, 1),
        SystemCoverage(System.LINUX, 0, 1, 0, 1, 0),
        SystemCoverage(System.UNKNOWN, 1, 0, 0, 0, 1),
    )


def test_without_a_list_nobody_says_how_many_of_a_system_there_should_be() -> None:
    found = by_system([], [SeenDevice("a", True, "Fedora Linux"), SeenDevice("b", False)])

    assert found == (
        SystemCoverage(System.LINUX, None, 1, 1, 0, None),
        SystemCoverage(System.UNKNOWN, None, 1, 0, 1, None),
    )


def test_what_people_took_out_is_not_expected_unless_another_of_its_name_counts() -> None:
    listed = [ExpectedDevice("a.corp"), ExpectedDevice("b"), ExpectedDevice("c")]

    assert without(listed, ["A", "b"], ["B.corp"]) == listed[1:]


@pytest.mark.parametrize(
    ("name", "system"),
    [
        ("Microsoft Windows 11 Pro", System.WINDOWS_WORKSTATION),
        ("Windows 10 Entreprise", System.WINDOWS_WORKSTATION),
        ("Windows 10 IoT Enterprise LTSC", System.WINDOWS_WORKSTATION),
        ("Windows 8.1", System.WINDOWS_WORKSTATION),
        ("PC Windows", System.WINDOWS_WORKSTATION),
        ("Windows Server 2022 Datacenter", System.WINDOWS_SERVER),
        ("Windows Server® 2008 Enterprise", System.WINDOWS_SERVER),
        ("Serveur Windows", System.WINDOWS_SERVER),
        ("windows 2016", System.WINDOWS_SERVER),
        ("Hyper-V Server 2019", System.WINDOWS_SERVER),
        ("Windows", System.WINDOWS),
        ("macOS", System.MACOS),
        ("Mac OS X Server", System.MACOS),
        ("Debian GNU/Linux", System.LINUX),
        ("Red Hat Enterprise Linux", System.LINUX),
        ("openSUSE Leap", System.LINUX),
        ("pc-linux-gnu", System.LINUX),
        ("SLES", System.LINUX),
        ("OnTap", System.OTHER),
        ("FreeBSD", System.OTHER),
        (" ", System.UNKNOWN),
    ],
)
def test_systems_are_told_apart_as_directories_and_devices_call_them(
    name: str, system: System
) -> None:
    assert family(name) is system


def test_a_list_as_french_spreadsheets_write_it() -> None:
    text = "Nom;Site;Système;Responsable;Entité\nPC-É;Lyon;Windows 11;Zoé;999000110\n;;;;\nb;;;;\n"

    assert expected_csv.parse(text) == [
        ExpectedDevice("PC-É", "Lyon", "Windows 11", "999000110"),
        ExpectedDevice("b"),
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "the heading 'name' is missing"),
        ("site\nLyon\n", "the heading 'name' is missing"),
        ("name,site\n,Lyon\n", "line 2: name is empty"),
        ("name\na\nA.corp\n", "line 3: 'A.corp' is on another line too"),
        ("name,entity\na,123\n", "line 2: '123' is not a SIREN"),
        ("name\n" + "a" * 256, "line 2: name is longer"),
    ],
)
def test_what_makes_no_sense_is_named(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        expected_csv.parse(text)
