"""Papers for employees, their representatives and the data protection officer, as Markdown.

Their texts are in a file that the company can replace; what they say of the fleet is looked up.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal

from quitus_collector.adapters.documents import Model, own_or_shipped, read_toml
from quitus_collector.adapters.portals.description import fill
from quitus_collector.domain.company import Company
from quitus_collector.services.ports import Clock, Messages
from quitus_collector.services.privacy import Practice

SHIPPED = Path(__file__).parents[1] / "privacy"


class Section(Model):
    """Paragraphs below a heading, then a table; `when` says of which practice it is true."""

    heading: str = ""
    when: Literal["always", "last_use", "no_last_use", "purged", "never_purged"] = "always"
    paragraphs: list[str] = []
    table: Literal["", "facts", "rows", "sources", "settings"] = ""


class Paper(Model):
    """One document."""

    file: str
    title: str
    sections: list[Section]


class Texts(Model):
    """The file of one language; `facts`, `rows` and `sources` are by their names on the wire."""

    draft: str
    unknown: str
    heads: dict[Literal["facts", "rows", "sources", "settings"], list[str]]
    facts: dict[str, str]
    rows: dict[str, str]
    sources: dict[str, str]
    settings: dict[str, str]
    papers: list[Paper]


def texts(language: str, own: Path) -> Texts:
    """The company's own file of this language, else the shipped one; raises UsageError."""
    return read_toml(own_or_shipped(own, SHIPPED, f"{language}.toml"), Texts)


class Pack:
    """The papers of one language."""

    def __init__(
        self,
        found: Texts,
        practice: Practice,
        settings: Mapping[str, object],
        company: Company,
        messages: Messages,
        clock: Clock,
    ) -> None:
        """`settings` are the collector's own, by the names that the texts describe."""
        self._texts, self._practice, self._settings = found, practice, settings
        self._messages = messages
        unknown = f"**[{found.unknown}]**"
        moments = {
            "history.begins": practice.history_begins,
            "purged_to": practice.purged_to,
        }
        self._values = {
            **{f"company.{name}": getattr(company, name) or unknown for name in COMPANY},
            **{name: messages.date(each) if each else unknown for name, each in moments.items()},
            **{f"settings.{name}": str(value) for name, value in settings.items()},
            "unknown": unknown,
            "today": messages.day(clock.today().isoformat()),
            "devices": messages.number(practice.devices),
            "reported": messages.number(practice.reported),
            "last_use": messages.number(practice.last_use),
            "people": messages.number(practice.facts.get("primary_user", 0)),
            "entities": ", ".join(practice.entities) or unknown,
        }
        self._where = f"privacy/{messages.language}.toml"

    def papers(self) -> Iterator[tuple[str, str]]:
        """Each paper's file name and text; raises UsageError for a name that nothing is called."""
        for paper in self._texts.papers:
            parts = [f"# {self._fill(paper.title)}", f"> {self._texts.draft}"]
            for section in filter(self._is_true, paper.sections):
                if section.heading:
                    parts.append(f"## {self._fill(section.heading)}")
                parts += map(self._fill, section.paragraphs)
                if section.table:
                    parts.append(self._table(section.table))
            yield paper.file, "\n\n".join(parts) + "\n"

    def _fill(self, text: str) -> str:
        return fill(text, self._values, self._where)

    def _is_true(self, section: Section) -> bool:
        practice = self._practice
        return {
            "always": True,
            "last_use": practice.last_use > 0,
            "no_last_use": practice.last_use == 0,
            "purged": practice.purged_to is not None,
            "never_purged": practice.purged_to is None,
        }[section.when]

    def _table(self, name: Literal["facts", "rows", "sources", "settings"]) -> str:
        made: Mapping[str, Callable[[], Iterator[Sequence[str]]]] = {
            "facts": lambda: self._counted(self._texts.facts, self._practice.facts),
            "sources": lambda: self._counted(self._texts.sources, self._practice.sources),
            "rows": lambda: iter(self._texts.rows.items()),
            "settings": lambda: (
                (text, str(self._settings[key])) for key, text in self._texts.settings.items()
            ),
        }
        heads = self._texts.heads[name]
        lines = [heads, ["---"] * len(heads), *made[name]()]
        return "\n".join(
            f"| {' | '.join(cell.replace('|', '/') for cell in row)} |" for row in lines
        )

    def _counted(
        self, described: Mapping[str, str], counts: Mapping[str, int]
    ) -> Iterator[Sequence[str]]:
        """What is described, and what only this fleet has, each with its number of devices."""
        for name in (*described, *sorted(set(counts) - set(described))):
            text = described.get(name, self._texts.unknown)
            yield name, text, self._messages.number(counts.get(name, 0))


COMPANY = ("name", "legal_form", "siren", "address", "signatory", "function", "place")
