"""Commands that a sentence names exist, with the options that it gives them."""

import re
import shlex
from collections.abc import Iterator

import pytest

from quitus_agent import cli as agent
from quitus_collector import cli as collector
from tests.handbook import GUIDE, ROOT

PROGRAMS = {"quitus-agent": agent.main, "quitus-collector": collector.main}
NAMED = re.compile(r"`(?:sudo )?(quitus-(?:agent|collector)) ([a-z][^`]*)`")
PAGES = {
    str(file.relative_to(ROOT)): file
    for file in [*GUIDE.glob("*/*.md"), *(ROOT / "docs").glob("*.md"), ROOT / "README.md"]
}


def named(text: str) -> Iterator[tuple[str, tuple[str, ...], tuple[str, ...]]]:
    """The program, its words and its options, values left out."""
    for program, rest in NAMED.findall(text):
        words = shlex.split(rest.replace("…", " ").replace("...", " "))
        first = next((at for at, word in enumerate(words) if word.startswith("-")), len(words))
        options = (word.partition("=")[0] for word in words if word.startswith("--"))
        yield program, tuple(words[:first]), tuple(options)


@pytest.mark.parametrize("page", PAGES)
def test_what_a_page_names_is_understood(page: str, capsys: pytest.CaptureFixture[str]) -> None:
    for program, words, options in named(PAGES[page].read_text(encoding="utf-8")):
        with pytest.raises(SystemExit) as left:
            PROGRAMS[program]([*words, "--help"])
        told = capsys.readouterr()

        assert left.value.code == 0, (program, words, told.err)
        for option in options:
            assert re.search(rf"{option}\b", told.out), (program, words, option)
