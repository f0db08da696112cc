"""Sentences that were kept in English, values filled in, said again in another language.

What the audit log and declarations keep is as it was said: which message it was is found again by
the catalogue's English texts, the longest that fits.
"""

import re
from collections.abc import Sequence
from functools import cache, lru_cache
from string import Formatter
from typing import NamedTuple

from babel.messages.pofile import read_po

from quitus_collector.adapters.messages import LOCALES

# A message with fewer letters of its own would fit almost anything.
MIN_LETTERS = 12
MAX_LENGTH = 2000
DEEPEST = 3


class _Form(NamedTuple):
    """A message with values: what it begins with, what it fits, what it is in the language."""

    start: str
    pattern: re.Pattern[str]
    said: str


def again(language: str, english: str, depth: int = 0) -> str:
    """The sentence in this language; as it is where it is none of ours."""
    if language == "en" or not english or len(english) > MAX_LENGTH:
        return english
    return _again(language, english, depth)


@lru_cache(maxsize=4096)
def _again(language: str, english: str, depth: int) -> str:
    exact, forms = _messages(language)
    if english in exact:
        return exact[english]
    for form in forms:
        if not english.startswith(form.start):
            continue
        found = form.pattern.fullmatch(english)
        if found:
            values = found.groupdict()
            if depth < DEEPEST:
                values = {name: again(language, each, depth + 1) for name, each in values.items()}
            return form.said.format(**values)
    return english


@cache
def _messages(language: str) -> tuple[dict[str, str], Sequence[_Form]]:
    file = LOCALES / f"{language}.po"
    if not file.exists():
        return {}, ()
    exact, forms = {}, []
    with file.open("rb") as source:
        for message in read_po(source, locale=language):
            if not isinstance(message.id, str) or not isinstance(message.string, str):
                continue
            form = _form(message.id, message.string) if "{" in message.id else None
            if form:
                forms.append(form)
            elif "{" not in message.id:
                exact[message.id] = message.string
    letters = [(sum(map(str.isalpha, f.pattern.pattern)), f) for f in forms]
    return exact, [form for _, form in sorted(letters, key=lambda each: -each[0])]


def _form(english: str, said: str) -> _Form | None:
    pattern, own, names = "", "", set()
    start: str | None = None
    for literal, name, _, _ in Formatter().parse(english):
        pattern, own = pattern + re.escape(literal), own + literal
        start = literal if start is None else start
        if name:
            pattern += f"(?P={name})" if name in names else f"(?P<{name}>.*?)"
            names.add(name)
    if sum(map(str.isalpha, own)) < MIN_LETTERS or not all(each.isidentifier() for each in names):
        return None
    # The values are words by now: how they were once written is no matter.
    plain = re.sub(r"\{(\w+)(![rsa])?(:[^{}]*)?\}", r"{\1}", said)
    return _Form(start or "", re.compile(pattern, re.DOTALL), plain)
