"""Between asterisks the guide quotes what the console says, as it says it in that language."""

import re

import pytest
from babel.messages.pofile import read_po

from quitus_collector.adapters.messages import LOCALES
from tests.handbook import GUIDE, LANGUAGES, PAGES, ROOT

QUOTED = re.compile(r"(?<![*\w/=.-])\*([^\W\d_][^*\n]*)\*(?![*\w/])")
FENCED = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)
# Stressed, and quoted of nobody.
STRESSED = {"at that address"}


def said(language: str) -> set[str]:
    with (LOCALES / "fr.po").open("rb") as file:
        texts = [(each.id, each.string) for each in read_po(file, locale="fr") if each.id]
    return {str(french if language == "fr" else english) for english, french in texts}


def quoted(text: str) -> set[str]:
    return set(QUOTED.findall(FENCED.sub("", text))) - STRESSED


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_guide_quotes_the_console(language: str) -> None:
    pages = "\n".join((GUIDE / language / f"{page}.md").read_text("utf-8") for page in PAGES)

    assert quoted(pages) >= {"Position"}
    assert quoted(pages) - said(language) == set()


def test_the_consoles_page_quotes_it_in_english() -> None:
    page = (ROOT / "docs/console.md").read_text("utf-8")

    assert quoted(page) - said("en") == set()
