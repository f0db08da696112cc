import pytest

from quitus_agent import pseudonyms

KEY = bytes(range(32))


@pytest.mark.parametrize("user", ["amelie", "CORP\\Amelie", "AMELIE@corp.example"])
def test_one_person_is_one_pseudonym_however_the_name_is_written(user: str) -> None:
    assert pseudonyms.of_user(user, KEY) == pseudonyms.of_user("amelie", KEY)
    assert len(pseudonyms.of_user(user, KEY)) == 32
    assert "amelie" not in pseudonyms.of_user(user, KEY)


def test_people_and_companies_are_told_apart() -> None:
    assert pseudonyms.of_user("amelie", KEY) != pseudonyms.of_user("bruno", KEY)
    assert pseudonyms.of_user("amelie", KEY) != pseudonyms.of_user("amelie", KEY[::-1])


def test_without_a_key_or_a_name_nothing_leaves() -> None:
    assert pseudonyms.of_user("amelie", b"") == ""
    assert pseudonyms.of_user("", KEY) == ""
    assert pseudonyms.of_user("CORP\\", KEY) == ""


def test_a_system_keeps_its_pseudonym_and_does_not_show_its_id() -> None:
    given = "0123456789ABCDEF0123456789abcdef"

    assert pseudonyms.of_system(given) == pseudonyms.of_system(f"{given.lower()}\n")
    assert pseudonyms.of_system(given).casefold() != given.casefold()
    assert pseudonyms.of_system(" \n") == ""
