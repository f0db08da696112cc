import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quitus_collector.adapters.catalogue import files as catalogue_files
from quitus_collector.domain.catalogue_check import problems
from quitus_collector.domain.catalogue_diff import differences
from quitus_collector.domain.patterns import Pattern, PatternError, witness
from quitus_collector.errors import CatalogueError

HEAD = 'publisher = "acme"\nlabel = "Acme"\nknown_as = ["Acme"]\n'
WORDS = ["a", "b", "ab", "Word", " ", "20", "é"]


def product(name: str, *more: str, family: str = "x") -> str:
    lines = ["", "[[product]]", f'id = "acme/{family}"', f'label = "{family}"']
    return "\n".join([*lines, f"names = ['{name}']", *more])


def faults(folder: Path, *entries: str) -> list[str]:
    (folder / "acme.toml").write_text(HEAD + "\n".join(entries), encoding="utf-8")
    return [str(each) for each in problems(catalogue_files.load(folder))]


def test_a_catalogue_without_faults_is_left_alone(tmp_path: Path) -> None:
    assert faults(tmp_path, product("Tool", family="tool"), product("Paint .*", family="p")) == []


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        ("Tool", "tool", "tool"),
        (r"Tool (?P<version>\d+)", "Tool 20[12]0", "tool 2010"),
        ("Tool (?:Pro|Plus)", "(?:Acme )?Tool P[lr].*", None),
        ("Tool .*", ".* Pro", "tool pro"),
        ("Étude", "etude", "etude"),
    ],
)
def test_two_rules_that_claim_one_name_are_a_fault_unless_one_is_stronger(
    tmp_path: Path, one: str, other: str, both: str | None
) -> None:
    found = faults(tmp_path, product(one), product(other, family="y"))

    if both is None:
        assert found == []
    else:
        assert [each for each in found if f"both claim the name {both!r}" in each]
        assert found[0].startswith(f"{tmp_path / 'acme.toml'}:5: acme:x and acme:y ")


def test_a_name_that_one_of_two_rules_excepts_is_claimed_by_the_other_alone(tmp_path: Path) -> None:
    general = product("Tool .*", "except_names = ['Tool Viewer.*']")

    assert faults(tmp_path, general, product("Tool Viewer.*", 'class = "free"', family="y")) == []


def test_two_files_may_not_claim_one_name_of_records_without_a_publisher(tmp_path: Path) -> None:
    other = 'publisher = "other"\nlabel = "Other"\nknown_as = ["Other"]\n'
    rule = '\n[[product]]\nid = "other/x"\nlabel = "X"\nnames = ["Tool"]\n'
    (tmp_path / "other.toml").write_text(other + rule)

    assert "acme:x and other:x" in faults(tmp_path, product("Tool"))[0]

    (tmp_path / "other.toml").write_text(other + "needs_publisher = true\n" + rule)
    assert faults(tmp_path, product("Tool")) == []


def test_one_identifier_may_not_show_two_products(tmp_path: Path) -> None:
    entries = [
        product(name, r"identifiers.release_id = ['Tool(?:Retail|Volume)']", family=name)
        for name in ("one", "two")
    ]

    assert "both claim the release_id 'toolretail'" in faults(tmp_path, *entries)[0]


def test_a_rule_that_no_record_can_reach_is_a_fault(tmp_path: Path) -> None:
    again = product("Tool (?:Pro|Plus)"), product("Tool Pro")
    nothing = '\n[[other]]\nid = "nothing"\nclass = "component"\n'

    dead, empty = sorted(faults(tmp_path, *again, nothing), key=lambda text: "nothing" in text)

    assert "acme.toml:10: the name pattern 'Tool Pro' of acme:x is dead" in dead
    assert "acme.toml:15: acme:nothing has neither names nor identifiers" in empty


def test_a_product_named_like_a_patch_is_dead(tmp_path: Path) -> None:
    (tmp_path / "patches.toml").write_text(
        'publisher = "patches"\nlabel = "Patches"\nstage = "first"\n'
        '[[other]]\nid = "x"\nclass = "update"\nnames = ["update for .*"]\n'
    )

    assert "the rules of patches has all its texts" in faults(tmp_path, product("Update for X"))[0]


def test_a_suite_may_not_include_itself_by_way_of_others(tmp_path: Path) -> None:
    found = faults(
        tmp_path,
        product("A", 'includes = ["acme/b"]', family="a"),
        product("B", 'includes = ["acme/c"]', family="b"),
        product("C", 'includes = ["acme/a", "acme/d"]', family="c"),
    )

    assert {each.partition("toml:")[2] for each in found} == {
        "5: the suite acme/a includes itself",
        "11: the suite acme/b includes itself",
        "17: the suite acme/c includes itself",
        "17: acme/c includes acme/d, which is not a product",
    }


def test_a_product_continues_one_that_is_there(tmp_path: Path) -> None:
    (found,) = faults(tmp_path, product("A", 'continues = "acme/b"', family="a"))

    assert found.endswith("acme/a continues acme/b, which is not there")


@pytest.mark.parametrize(
    ("releases", "complaint"),
    [
        ('{ version = "2021" }, { version = "2019" }', "version 2019 stands after 2021"),
        (
            '{ version = "1", released = 2020-01-01 }, { version = "2", released = 2019-01-01 }',
            "version 2 was released before 1",
        ),
        (
            '{ version = "1", released = 2020-01-01, supported_until = 2019-01-01 }',
            "support of 1 ends before its release",
        ),
    ],
)
def test_versions_out_of_order_are_a_fault(tmp_path: Path, releases: str, complaint: str) -> None:
    listed = f'[releases.tool]\nsource = "https://acme.example"\nversions = [{releases}]\n'

    found = faults(tmp_path, listed, product(r"Tool (?P<version>\d+)", 'releases = "tool"'))

    assert found == [f"{tmp_path / 'acme.toml'}:9: acme/x: {complaint}"]


@pytest.mark.parametrize(
    ("source", "complaint"),
    [("", "releases.tool.source: missing"), ('source = ""', "releases.tool.source: string should")],
)
def test_dates_that_nobody_published_are_refused(
    tmp_path: Path, source: str, complaint: str
) -> None:
    listed = f'[releases.tool]\nversions = [{{ version = "1" }}]\n{source}\n'

    with pytest.raises(CatalogueError) as raised:
        faults(tmp_path, listed, product(r"Tool (?P<version>\d+)", 'releases = "tool"'))

    assert str(raised.value).startswith(f"{tmp_path / 'acme.toml'}:4: {complaint}")


@pytest.mark.parametrize(
    ("more", "refused"),
    [
        ((), True),
        (("subscription = true",), False),
        (('version = "major"',), False),
        (("from_build = { 15 = '2013' }",), False),
    ],
)
def test_a_product_with_and_without_its_version_is_a_fault_unless_it_is_sold_so(
    tmp_path: Path, more: tuple[str, ...], refused: bool
) -> None:
    found = faults(
        tmp_path, product("Tool (?P<version>20[0-9]+)", *more), product("My Tool", *more)
    )

    complaint = "acme:x: other names tell a version, 'My Tool' does not"
    assert found == ([f"{tmp_path / 'acme.toml'}:10: {complaint}"] if refused else [])


def test_a_name_may_leave_the_version_out_where_its_group_is_optional(tmp_path: Path) -> None:
    assert faults(tmp_path, product("Tool(?: (?P<version>20[0-9]+))?")) == []


def test_a_difference_names_products_and_rules(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    for folder, entry in (
        (old, product("Tool")),
        (new, product("Tool v2", 'metric = "user"') + product("Paint", family="paint")),
    ):
        folder.mkdir()
        (folder / "acme.toml").write_text(HEAD + entry)

    found = list(differences(catalogue_files.load(old), catalogue_files.load(new)))

    assert found == [
        "product acme/paint: added",
        "product acme/x: metric changed",
        "rule acme:paint: added",
        "rule acme:x: 1 patterns added, 1 patterns removed",
    ]


@pytest.mark.parametrize("text", ["(", "a)", "(?!x)", r"\w", "a**", "[a", "^a"])
def test_what_is_not_a_pattern_of_ours_is_refused(text: str) -> None:
    with pytest.raises(PatternError):
        _ = Pattern(text).tree


PATTERNS = st.recursive(
    st.sampled_from([*WORDS, ".", r"\d", "[ab]", "[^a]"]),
    lambda inner: st.one_of(
        st.tuples(inner, inner).map("".join),
        st.tuples(inner, inner).map(lambda pair: f"(?:{pair[0]}|{pair[1]})"),
        st.tuples(inner, st.sampled_from(["?", "*", "+", "{2}", "{1,2}"])).map(
            lambda pair: f"(?:{pair[0]}){pair[1]}"
        ),
    ),
    max_leaves=6,
)


@given(PATTERNS, PATTERNS)
def test_a_text_that_two_patterns_are_said_to_share_is_matched_by_both(
    one: str, other: str
) -> None:
    patterns = Pattern(one), Pattern(other)

    text = witness(patterns)

    if text is not None:
        assert all(pattern.compiled.fullmatch(text) for pattern in patterns)


@given(PATTERNS, st.lists(st.sampled_from(["a", "b", "1", " ", "word", "20"]), max_size=4))
def test_a_text_that_a_pattern_matches_begins_as_its_index_says(
    pattern: str, parts: list[str]
) -> None:
    text = "".join(parts)
    subject = Pattern(pattern)

    if subject.compiled.fullmatch(text):
        words = tuple(text.split(" "))
        assert any(words[: len(each)] == each for each in subject.beginnings)
        assert witness([subject, Pattern(re.escape(text))]) == text
