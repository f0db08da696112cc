"""Who declares: the company's identity as French registers know it."""

import re
from dataclasses import dataclass, fields
from datetime import date

LA_POSTE = "356000000"
REPRESENTATIVE, DELEGATE = "representative", "delegate"
# From this day on activities are coded by NAF 2025 (INSEE, decree on NAF 2025); until then by NAF
# rev. 2. Both write four digits and a letter.
NAF_2025_SINCE = date(2027, 1, 1)


@dataclass(frozen=True, slots=True)
class Company:
    """What the declaration says of its author; empty where it is still to be filled in.

    `capacity` is in what the signatory signs: REPRESENTATIVE, DELEGATE or not said. A delegation of
    authority has a reference, days (ISO 8601) and a scope. What stands after `place` is optional.
    """

    name: str = ""
    legal_form: str = ""
    siren: str = ""
    address: str = ""
    signatory: str = ""
    function: str = ""
    place: str = ""
    siret: str = ""
    vat_number: str = ""
    naf: str = ""
    capacity: str = ""
    delegation: str = ""
    delegation_from: str = ""
    delegation_until: str = ""
    delegation_scope: str = ""

    def missing(self) -> tuple[str, ...]:
        """The names of the fields that are still empty and should not be."""
        needed = [each.name for each in fields(self)]
        needed = needed[: needed.index("place") + 1]
        return tuple(name for name in needed if not getattr(self, name))

    def contradiction(self) -> str:
        """What does not go together, as one sentence; empty where all does."""
        if self.siret and self.siren and self.siret[:9] != self.siren:
            return f"the SIRET {self.siret} is not of the SIREN {self.siren}"
        if self.vat_number and self.siren and self.vat_number[4:] != self.siren:
            return f"the VAT number {self.vat_number} is not of the SIREN {self.siren}"
        if "" < self.delegation_until < self.delegation_from:
            return "the delegation of authority ends before it begins"
        return ""

    def no_authority(self, day: date) -> str:
        """Why the signatory may not sign on that day, as one sentence; empty where they may.

        Only what is known speaks: without a capacity nothing is claimed.
        """
        if self.capacity != DELEGATE:
            return ""
        who = self.signatory or "the signatory"
        if not (self.delegation and self.delegation_scope):
            return (
                f"{who} signs by delegation, and none is stated: give delegation and "
                "delegation_scope in the settings"
            )
        shown = day.isoformat()
        if self.delegation_from > shown or "" < self.delegation_until < shown:
            return f"the delegation {self.delegation} of {who} is not in force on {shown}"
        return ""


def is_siren(text: str) -> bool:
    """Whether the text is a SIREN: nine digits that pass Luhn's check (INSEE, Sirene)."""
    return len(text) == 9 and _is_number(text) and _passes_luhn(text)


def is_siret(text: str) -> bool:
    """Whether the text is a SIRET: a SIREN, five digits, and Luhn's check over all (INSEE, Sirene).

    La Poste has more establishments than that leaves room for: the sum of their digits is a
    multiple of five instead, but for its seat, which passes Luhn's check (INSEE, Sirene, SIRET).
    """
    if len(text) != 14 or not _is_number(text) or not is_siren(text[:9]):
        return False
    is_of_la_poste = text.startswith(LA_POSTE) and sum(map(int, text)) % 5 == 0
    return is_of_la_poste or _passes_luhn(text)


def vat_number(siren: str) -> str:
    """The French VAT number of a company, with the numeric key that follows from its SIREN.

    FR, (12 + 3 x (SIREN mod 97)) mod 97 in two digits, SIREN: the algorithm that the European
    Commission publishes for VIES. That the number is in use, only VIES tells.
    """
    return f"FR{(12 + 3 * (int(siren) % 97)) % 97:02}{siren}"


def is_vat_number(text: str) -> bool:
    """Whether the text is a French VAT number that goes with its SIREN."""
    return is_siren(text[4:]) and text == vat_number(text[4:])


def is_naf(text: str) -> bool:
    """Whether the text has the form of an activity code, 62.02A: NAF rev. 2 and NAF 2025 alike.

    Whether there is such an activity is not checked.
    """
    return re.fullmatch(r"[0-9]{2}\.[0-9]{2}[A-Z]", text) is not None


def naf_nomenclature(day: date) -> str:
    """By which nomenclature activities are coded on a day."""
    return "NAF 2025" if day >= NAF_2025_SINCE else "NAF rév. 2"


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _passes_luhn(text: str) -> bool:
    doubled = (int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(text)))
    return sum(value - 9 * (value > 9) for value in doubled) % 10 == 0
