"""The order of the handbook's pages; what it does not name comes below deployment."""

from pathlib import Path
from typing import Any

FIRST = ("index", "cio", "administrator", "employee", "privacy", "architecture", "developer")
DEPLOYMENT = {"fr": "Déploiement", "en": "Deployment"}


def on_config(config: Any) -> Any:
    """Lists the pages that are there."""
    folder = Path(config.docs_dir)
    there = sorted(each.stem for each in folder.glob("*.md"))
    rest = [f"{each}.md" for each in there if each not in FIRST]
    config.nav = [f"{each}.md" for each in FIRST if each in there]
    if rest:
        config.nav.append({DEPLOYMENT[folder.name]: rest})
    return config
