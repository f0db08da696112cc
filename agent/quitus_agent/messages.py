"""What people read of the agent, in French unless their system speaks English.

Code, logs and the wire stay English: a sentence is made in English, where it is known what it
says, and put into the reader's language where it is printed. The catalogue has each sentence with
`{}` for what varies.
"""

import os
import sys
from functools import lru_cache
from pathlib import Path

LOCALES = Path(__file__).with_name("locales")
# The locale of programs and of tests: what is printed is what the code says.
UNTRANSLATED = ("c", "c.utf-8", "c.utf8", "posix")
PRIMARY_ENGLISH, PRIMARY_LANGUAGE = 0x09, 0x3FF


def language() -> str:
    """`en` where the user's locale, or else the user's Windows, says so; `fr` otherwise."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if value := os.environ.get(name):
            english = value.lower().startswith("en") or value.lower() in UNTRANSLATED
            return "en" if english else "fr"
    if sys.platform == "win32":
        import ctypes

        if ctypes.windll.kernel32.GetUserDefaultUILanguage() & PRIMARY_LANGUAGE == PRIMARY_ENGLISH:
            return "en"
    return "fr"


def text(key: str) -> str:
    """A message in the user's language."""
    return _read(f"{language()}.json")[key]


def said(sentence: str) -> str:
    """A sentence of the program's in the user's language; as it is where nobody translated it."""
    return sentence if language() == "en" else translated(sentence)


def translated(sentence: str) -> str:
    """A sentence in French, and what varies in it too where that is a sentence of ours."""
    catalogue = _read("sentences.fr.json")
    if exact := catalogue.get(sentence):
        return exact
    # Those that say most themselves come first.
    for template in sorted((each for each in catalogue if "{}" in each), key=_own):
        varying = _varying(template, sentence)
        if varying is not None:
            # One word is a name: a host may be called like something of ours.
            inner = (translated(each) if " " in each else each for each in varying)
            return catalogue[template].format(*inner)
    return sentence


def _varying(template: str, sentence: str) -> list[str] | None:
    """What stands in the places of a template; None where the sentence is not of its form."""
    first, *rest = template.split("{}")
    if not sentence.startswith(first):
        return None
    at, found = len(first), []
    for number, part in enumerate(rest, start=1):
        if number < len(rest):
            end = sentence.find(part, at)
        else:
            end = len(sentence) - len(part) if sentence.endswith(part) else -1
        if end < at:
            return None
        found.append(sentence[at:end])
        at = end + len(part)
    return found


def _own(template: str) -> int:
    return -len(template.replace("{}", ""))


@lru_cache(maxsize=4)
def _read(name: str) -> dict[str, str]:
    import json

    catalogue: dict[str, str] = json.loads((LOCALES / name).read_text(encoding="utf-8"))
    return catalogue
