"""Whoever types what the handbook says gets what it promises."""

import re
from pathlib import Path

import pytest

from tests.handbook import ELSEWHERE, GUIDE, LANGUAGES, PAGES, ROOT, Block, Reader, blocks

pytestmark = pytest.mark.e2e


def commands(block: Block) -> str:
    """Without what people say in their own language: the texts of options that take any."""
    return re.sub(r'--(label|reason) "[^"$]*"', r'--\1 ""', block.text)


def runnable(language: str, *pages: str) -> list[Block]:
    return [
        block
        for page in pages or PAGES
        for block in blocks(GUIDE / language / f"{page}.md")
        if not block.reason
    ]


@pytest.mark.needs("openssl")
def test_every_command_that_is_not_excused_works_in_order(tmp_path: Path) -> None:
    """In French: the English pages have the same to the letter, but for labels and reasons."""
    read = runnable("fr")

    said = Reader(tmp_path).follow(read)

    for block, printed in zip(read, said, strict=True):
        assert block.says in printed, f"{block.page}:{block.line}\n{printed}"


def test_the_readme_leads_to_the_first_workstation(tmp_path: Path) -> None:
    read = [each for each in blocks(ROOT / "README.md") if not each.reason]

    said = Reader(tmp_path).follow(read)

    for block, printed in zip(read, said, strict=True):
        assert block.says in printed, f"{block.page}:{block.line}\n{printed}"


def test_no_command_is_without_a_mark() -> None:
    pages = [*GUIDE.glob("*/*.md"), ROOT / "README.md"]

    unmarked = [
        f"{file.parent.name}/{block.page}:{block.line}"
        for file in pages
        if file.stem not in ELSEWHERE
        for block in blocks(file)
        if not block.mark
    ]

    assert unmarked == []


@pytest.mark.parametrize("page", PAGES)
def test_both_languages_tell_the_same_commands(page: str) -> None:
    french, english = (
        [(commands(each), bool(each.reason), each.says) for each in blocks(file)]
        for file in (GUIDE / language / f"{page}.md" for language in LANGUAGES)
    )

    assert french == english


def test_both_languages_have_the_same_pages() -> None:
    french, english = ({each.name for each in (GUIDE / one).glob("*.md")} for one in LANGUAGES)

    assert french == english
