"""What a raw record is to a licence count, and on what evidence."""

from dataclasses import dataclass
from enum import StrEnum


class SoftwareClass(StrEnum):
    """What a raw record is to a licence count; UNKNOWN goes to triage, never silently to FREE."""

    COMMERCIAL = "commercial"
    FREE = "free"
    COMPONENT = "component"
    UPDATE = "update"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Recognition:
    """What a raw record is, which rule says so and on what evidence; both empty when UNKNOWN.

    `confidence` is from 0 to 1 and orders kinds of evidence; it is not a probability.
    """

    software_class: SoftwareClass
    product: str | None = None
    rule: str = ""
    evidence: str = ""
    confidence: float = 0.0

    def document(self) -> dict[str, object]:
        """The answer as JSON has it; only what is commercial or free is a product to name."""
        is_product = self.software_class in (SoftwareClass.COMMERCIAL, SoftwareClass.FREE)
        return {
            "product": self.product if is_product else None,
            "class": self.software_class.value,
            "rule": self.rule or None,
            "evidence": self.evidence or None,
            "confidence": self.confidence,
        }


UNRECOGNISED = Recognition(SoftwareClass.UNKNOWN)
# What no rule knows and its own installer hides is a part of something that it shows.
PART = Recognition(SoftwareClass.COMPONENT, None, "hidden", "hidden by its installer", 0.5)
# By whether the publisher agrees with the rule's, and whether the pattern leaves a part open.
CONFIDENCE = {
    (True, False): 0.95,
    (True, True): 0.85,
    (False, False): 0.75,
    (False, True): 0.6,
}
