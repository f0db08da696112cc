"""The start-up script for Windows: as far as anything but PowerShell can judge it."""

import re
from pathlib import Path

import tree_sitter_powershell
from tree_sitter import Language, Node, Parser

from deploy.windows import tables
from quitus_agent import managed
from tests.handbook import GUIDE, LANGUAGES

SCRIPT = Path("deploy/windows/Install-QuitusAgent.ps1")


def parsed(script: bytes) -> Node:
    return Parser(Language(tree_sitter_powershell.language())).parse(script).root_node


def test_powershell_would_understand_it() -> None:
    script = SCRIPT.read_bytes().removeprefix(b"\xef\xbb\xbf")

    assert not parsed(script).has_error
    assert parsed(script.replace(b"catch {", b"catch", 1)).has_error


def test_windows_powershell_reads_its_accents() -> None:
    # Without the mark it takes a script for the letters of the system's code page.
    assert SCRIPT.read_bytes().startswith(b"\xef\xbb\xbf")


def test_it_passes_properties_that_the_package_has_and_never_the_token() -> None:
    script = SCRIPT.read_text(encoding="utf-8-sig")
    given = {each.property for each in tables.GIVEN if f'"{each.property}=' in script}

    assert given == {"COLLECTOR", "TOKENFILE", "ENTITY"}
    assert f"'HKLM:\\{managed.INSTALLED_KEY}'" in script


def test_the_guide_gives_it_parameters_that_it_has() -> None:
    """Not parsed: the grammar takes a parameter with digits for a fault; PowerShell does not."""
    script = SCRIPT.read_text(encoding="utf-8-sig")
    for language in LANGUAGES:
        guide = (GUIDE / language / "windows-gpo.md").read_text(encoding="utf-8")
        (line,) = re.findall(r"(?m)^-Package .*$", guide)

        given = re.findall(r"(?<= )-(\w+) ", f" {line}")
        assert given == ["Package", "Sha256", "Collector"]
        assert all(f"[string] ${name}" in script for name in given)
