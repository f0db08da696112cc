"""Input that is damaged, or made to harm: it is read or refused, and costs what its size allows."""

import random
import struct
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quitus_agent.errors import SourceError
from quitus_agent.inventory import Install
from tests.makers import documents

# Lengths, counts and offsets that programs get wrong.
NUMBERS = (0, 1, 2, 8, 32, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF)
WIDTHS = ("<H", ">H", "<I", ">I", "<Q", ">Q")
# What an install adds to the text that it was made from: its own names, the same text twice.
MOST_PER_BYTE, MOST_BESIDE = 400, 100_000


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("hostile") / "document"


def cut(chance: random.Random, content: bytes, at: int, other: bytes) -> bytes:
    return content[:at]


def flipped(chance: random.Random, content: bytes, at: int, other: bytes) -> bytes:
    flip = bytes([content[at] ^ 1 << chance.randrange(8)])
    return content[:at] + flip + content[at + 1 :]


def numbered(chance: random.Random, content: bytes, at: int, other: bytes) -> bytes:
    layout = struct.Struct(chance.choice(WIDTHS))
    number = chance.choice((*NUMBERS, at, len(content), chance.randrange(1 << 16)))
    wrong = layout.pack(number & (1 << 8 * layout.size) - 1)
    return content[:at] + wrong + content[at + layout.size :]


def spliced(chance: random.Random, content: bytes, at: int, other: bytes) -> bytes:
    return content[:at] + other[chance.randrange(len(other)) :]


def repeated(chance: random.Random, content: bytes, at: int, other: bytes) -> bytes:
    piece = content[at : at + chance.randrange(1, 64)]
    return content[:at] + piece * chance.randrange(2, 200) + content[at:]


def moved(chance: random.Random, content: bytes, at: int, other: bytes) -> bytes:
    """A piece lies where another one should: offsets then lead round in circles."""
    size, to = chance.randrange(1, 64), chance.randrange(len(content))
    return content[:to] + content[at : at + size] + content[to + size :]


def scrambled(chance: random.Random, content: bytes, at: int, other: bytes) -> bytes:
    return content[:at] + chance.randbytes(chance.randrange(1, 64)) + content[at:]


DAMAGES = (cut, flipped, numbered, spliced, repeated, moved, scrambled)


def damaged(form: str, seed: int) -> bytes:
    chance = random.Random(seed)
    whole = documents.documents(form)
    content = chance.choice(whole)
    for _ in range(chance.randrange(1, 8)):
        if content:
            damage = chance.choice(DAMAGES)
            content = damage(chance, content, chance.randrange(len(content)), chance.choice(whole))
    return documents.FORMS[form].mended(content)


def assert_is_read_or_refused(form: str, file: Path, content: bytes) -> None:
    file.write_bytes(content)

    try:
        found = list(documents.FORMS[form].read(file))
    except (SourceError, RecursionError):
        # The reader process tells the second as the first.
        return

    assert len(repr(found)) <= MOST_PER_BYTE * len(content) + MOST_BESIDE
    # One without a name would cost the source that says it, without a word on where it stands.
    assert all(each.name for each in found if isinstance(each, Install))


@pytest.mark.parametrize("form", documents.FORMS)
def test_a_whole_document_is_read(form: str, file: Path) -> None:
    for content in documents.documents(form):
        file.write_bytes(content)
        read = documents.FORMS[form].read(file)

        assert next(read)


@pytest.mark.parametrize("form", documents.FORMS)
@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 1 << 64))
def test_a_damaged_document_is_read_or_refused(form: str, file: Path, seed: int) -> None:
    assert_is_read_or_refused(form, file, damaged(form, seed))


@pytest.mark.parametrize("form", documents.FORMS)
@settings(max_examples=40, deadline=None)
@given(content=st.binary(max_size=2000))
def test_random_bytes_are_read_or_refused(form: str, file: Path, content: bytes) -> None:
    assert_is_read_or_refused(form, file, documents.FORMS[form].mended(content))
