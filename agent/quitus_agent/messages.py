"""What employees read, in French unless their system speaks English."""

import json
import os
from pathlib import Path

LOCALES = Path(__file__).with_name("locales")


def language() -> str:
    """`en` where the user's locale says so, `fr` otherwise."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if value := os.environ.get(name):
            return "en" if value.lower().startswith("en") else "fr"
    return "fr"


def text(key: str) -> str:
    """A message in the user's language."""
    catalogue = json.loads((LOCALES / f"{language()}.json").read_text(encoding="utf-8"))
    return str(catalogue[key])
