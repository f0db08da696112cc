"""What was kept in English is said in French, with the values that it had."""

from zoneinfo import ZoneInfo

import pytest

from quitus_collector.adapters.kept_sentences import again
from quitus_collector.adapters.messages import Messages
from quitus_collector.errors import FilingRefused

FRENCH = Messages("fr", ZoneInfo("Europe/Paris"))


@pytest.mark.parametrize(
    ("english", "french"),
    [
        ("too many wrong passwords or codes: locked for a while", "trop de mots de passe"),
        ("disabled", "désactivé"),
        ("{x} is the {y} administrator", "{x} is the {y} administrator"),
        ("a letter that a person wrote", "a letter that a person wrote"),
        ("", ""),
    ],
    ids=["sentence", "word", "braces", "person", "empty"],
)
def test_sentences_of_ours_alone_are_said_again(english: str, french: str) -> None:
    assert again("fr", english).startswith(french)
    assert again("en", english) == english


def test_values_stay_as_they_were_whatever_they_hold() -> None:
    error = FilingRefused(
        "{by} drafted or changed the declaration {id}: someone else has to approve it",
        by="account {zoé}",
        id="x\ny",
    )

    assert again("fr", str(error)) == FRENCH.error(error)[:1].lower() + FRENCH.error(error)[1:]
