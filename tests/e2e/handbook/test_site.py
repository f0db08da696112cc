"""The handbook builds as a site that needs nobody else."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.handbook import GUIDE, LANGUAGES


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_site_builds_without_a_warning_and_fetches_nothing(
    language: str, tmp_path: Path
) -> None:
    command = [Path(sys.executable).with_name("mkdocs"), "build", "--strict", "-f"]
    told = {"GUIDE": language, "LANGUAGE_OF_GUIDE": language, "SITE": str(tmp_path / "site")}

    built = subprocess.run(
        [*command, GUIDE / "mkdocs.yml"],
        check=False,
        capture_output=True,
        text=True,
        env=os.environ | told | {"NO_MKDOCS_2_WARNING": "1"},
    )

    assert built.returncode == 0, built.stderr
    pages = list((tmp_path / "site").glob("*.html"))
    assert {each.stem for each in (GUIDE / language).glob("*.md")} <= {each.stem for each in pages}
    for page in pages:
        text = page.read_text(encoding="utf-8")
        fetched = re.findall(r'<(?:script|link|img)[^>]+(?:src|href)="?(https?:[^"> ]+)', text)
        assert fetched == [], page.name
        assert f'lang="{language}"' in text
