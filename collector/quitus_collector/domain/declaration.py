"""The declaration: what a company states about its licences, drawn from one position."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from quitus_collector.domain.company import Company
from quitus_collector.domain.position import Document, LineState, Position, PositionLine

FORMAT = "quitus-declaration/1"


@dataclass(frozen=True, slots=True)
class Declaration:
    """A draft: nobody has approved it yet. `publisher` is the addressee, or None for all."""

    company: Company
    publisher: str | None
    publisher_label: str
    position: Position
    drafted_at: datetime
    software_version: str

    @property
    def lines(self) -> tuple[PositionLine, ...]:
        """The lines of the position, which is already reduced to what concerns the addressee."""
        return self.position.lines

    def document(self) -> Document:
        """The declaration as its JSON file has it; every figure of the PDF comes from here."""
        states = Counter(line.state for line in self.lines)
        return {
            "format": FORMAT,
            "state": "draft",
            "company": {
                "name": self.company.name,
                "legal_form": self.company.legal_form,
                "siren": self.company.siren,
                "address": self.company.address,
                "signatory": self.company.signatory,
                "function": self.company.function,
                "place": self.company.place,
                "missing": list(self.company.missing()),
            },
            "publisher": self.publisher and {"id": self.publisher, "label": self.publisher_label},
            "as_of": self.position.as_of.isoformat(),
            "drafted_at": self.drafted_at.isoformat(),
            "perimeter": self.position.perimeter.document(),
            "totals": {state.value: states[state] for state in LineState}
            | {"missing": sum(line.missing or 0 for line in self.lines)},
            "lines": [line.document() for line in self.lines],
            "versions": {
                "quitus": self.software_version,
                "catalogue_sha256": self.position.catalogue_digest,
            },
        }
