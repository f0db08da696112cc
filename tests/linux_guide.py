"""The guide for Linux, typed on a machine of our own line by line."""

import re
from collections.abc import Mapping, Sequence

from tests.handbook import GUIDE
from tests.machines import Machine

# As the guide calls a file beside its reader, in root's folder.
HOME = "/root"


def block(chapter: int, number: int = -1) -> list[str]:
    """The commands of a block of the guide; both languages have the same, as another test holds."""
    text = (GUIDE / "fr/linux.md").read_text("utf-8").split("\n## ")[chapter]
    blocks = re.findall(r"^```sh\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    return list(blocks[number].splitlines())


def follow(machine: Machine, lines: Sequence[str], own: Mapping[str, str] | None = None) -> str:
    """Types lines in root's folder, with names that are `own` here; returns what was printed."""
    said = ""
    for line in lines:
        for theirs, ours in {**(own or {}), "sudo ": ""}.items():
            line = line.replace(theirs, ours)
        said += machine.ok("bash", "-c", f"cd {HOME} && set -o pipefail && {line}")
    return said
