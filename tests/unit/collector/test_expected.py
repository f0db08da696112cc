import pytest

from quitus_collector.adapters import expected_csv
from quitus_collector.domain.expected import ExpectedDevice, Group, SeenDevice, coverage
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
