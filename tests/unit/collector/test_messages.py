import string
from collections.abc import Iterator
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from quitus_collector.adapters import messages
from quitus_collector.adapters.messages import Messages
from quitus_collector.errors import UsageError

PARIS = ZoneInfo("Europe/Paris")
SOURCE = Path(messages.__file__).parents[1]
# The errors whose sentences a person reads on a page.
ERRORS = (
    *("CollectorError", "FilingRefused", "NotSent", "OutcomeUnknown", "PortalMismatch"),
    *("PortalRefused", "RenderError", "SealError", "SignInRefused", "UnknownDevice", "UsageError"),
)
KEYWORDS = {
    **{"text": None, "N_": None, "NN_": (1, 2), "count": (1, 2)},
    # Why a declaration does not hold.
    **{"EvidenceError": None, "failed": (2,)},
    **dict.fromkeys(ERRORS),
}
METHODS = [("**.py", "python"), ("web/templates/**.html", "jinja2.ext:babel_extract")]


@pytest.fixture
def catalogue() -> Catalog:
    """The French catalogue as it lies on disk."""
    return read_po(BytesIO((messages.LOCALES / "fr.po").read_bytes()), locale="fr")


def keys_in_code() -> Iterator[str]:
    for _file, _line, found, _comments, _context in extract_from_dir(
        SOURCE, method_map=METHODS, keywords=KEYWORDS
    ):
        key = found if isinstance(found, str) else found[0]
        if key.strip():
            yield key


def test_every_message_of_the_code_has_its_french_text(catalogue: Catalog) -> None:
    used = set(keys_in_code())

    assert used
    for key in used:
        assert key in catalogue, key
        assert all(catalogue[key].string), key


def test_no_french_text_is_left_over(catalogue: Catalog) -> None:
    known = {each.id if isinstance(each.id, str) else each.id[0] for each in catalogue if each.id}
    assert known <= set(keys_in_code())


def test_french_texts_fill_in_the_same_names(catalogue: Catalog) -> None:
    def names(text: str) -> set[str]:
        return {name for _, name, _, _ in string.Formatter().parse(text) if name}

    for each in catalogue:
        if not each.id:
            continue
        originals = (each.id,) if isinstance(each.id, str) else each.id
        translations = (each.string,) if isinstance(each.string, str) else each.string
        for translation in translations:
            assert names(translation) == names(originals[0]), translation


def test_numbers_and_dates_are_written_as_in_france() -> None:
    french, moment = Messages("fr", PARIS), datetime(2026, 1, 1, 23, 30, tzinfo=UTC)

    assert french.number(1234567) == "1\u202f234\u202f567"
    assert french.number(None) == "–"
    assert french.date(moment) == "2 janvier 2026"
    assert french.moment(moment) == "2 janvier 2026 à 00:30"
    assert french.day("2026-05-01") == "1er mai 2026"
    assert french.day("2026-05-11") == "11 mai 2026"


def test_english_needs_no_catalogue() -> None:
    english = Messages("en", PARIS)

    assert english.text("{n} covered by {entitlement}", n="3", entitlement="A") == "3 covered by A"
    assert english.count("{n} undetermined line", "{n} undetermined lines", 1) == (
        "1 undetermined line"
    )


def test_french_counts_zero_as_singular() -> None:
    french = Messages("fr", PARIS)

    counted = [french.count("{n} compliant line", "{n} compliant lines", n) for n in (0, 1, 2)]

    assert counted == ["0 ligne conforme", "1 ligne conforme", "2 lignes conformes"]


def test_the_templates_hold_no_text_of_their_own() -> None:
    """What a document says goes through the catalogues; a template only places it."""
    for template in (SOURCE / "templates").glob("*.typ"):
        text = template.read_text(encoding="utf-8")
        assert not any(letter in text for letter in "éèàêçœ"), template


def test_an_error_is_said_in_the_readers_language_with_what_it_quotes() -> None:
    inner = UsageError("the declaration {id} has no line {value}", id="D-1", value="a {b}")
    error = UsageError("{path}: {error}", path="f.csv", error=inner)

    assert str(error) == "f.csv: the declaration D-1 has no line a {b}"
    assert Messages("en", PARIS).error(error) == f"F.csv: {inner}"
    assert Messages("fr", PARIS).error(error) == "F.csv : la déclaration D-1 n’a pas de ligne a {b}"
    assert Messages("fr", PARIS).error(UsageError("said by {others}")) == "Said by {others}"
