"""Contested rules as the catalogue states them."""

from pathlib import Path

import pytest

from quitus_collector.adapters.catalogue import files as catalogue_files
from quitus_collector.domain.catalogue_diff import differences
from quitus_collector.domain.contested import Effect
from quitus_collector.errors import CatalogueError

RULE = """[[contested]]
id = "a"
effect = "used"
declared = "lenient"
label = "l"
label_fr = "l"
note = "n"
note_fr = "n"
sources = ["s"]
"""


def load(folder: Path, text: str) -> None:
    (folder / "contested.toml").write_text(text)
    catalogue_files.load(folder)


def test_every_effect_is_a_rule_of_the_shipped_catalogue() -> None:
    shipped = catalogue_files.load().contested

    assert {each.effect for each in shipped} == set(Effect)
    assert all(each.sources for each in shipped)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (RULE + RULE, "contested[1].id: 'a' is there twice"),
        (RULE.replace("used", "magic"), "contested[0].effect: input should be"),
        (RULE.replace('["s"]', "[]"), "contested[0].sources: list should have at least 1 item"),
        (RULE + 'colour = "red"\n', "contested[0].colour: unknown key"),
        (RULE + 'publishers = ["nobody"]\n', "a names no publisher: 'nobody'"),
        ("[[contested]", "Expected"),
    ],
)
def test_what_is_wrong_is_named_with_its_file(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(CatalogueError) as error:
        load(tmp_path, text)
    assert str(error.value).startswith(f"{tmp_path / 'contested.toml'}: {complaint}")


def test_a_changed_rule_changes_the_digest_and_is_a_difference(tmp_path: Path) -> None:
    (tmp_path / "contested.toml").write_text(RULE)
    before = catalogue_files.load(tmp_path)
    (tmp_path / "contested.toml").write_text(RULE.replace("lenient", "strict"))
    after = catalogue_files.load(tmp_path)
    (tmp_path / "contested.toml").unlink()

    assert before.digest != after.digest
    assert list(differences(before, after)) == ["contested rule a: changed"]
    assert list(differences(after, catalogue_files.load(tmp_path))) == ["contested rule a: removed"]
