"""Who declares: the company's identity as French registers know it."""

from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True)
class Company:
    """What the declaration says of its author; empty where it is still to be filled in."""

    name: str = ""
    legal_form: str = ""
    siren: str = ""
    address: str = ""
    signatory: str = ""
    function: str = ""
    place: str = ""

    def missing(self) -> tuple[str, ...]:
        """The names of the fields that are still empty."""
        return tuple(each.name for each in fields(self) if not getattr(self, each.name))


def is_siren(text: str) -> bool:
    """Whether the text is a SIREN: nine digits that pass Luhn's check (INSEE, Sirene)."""
    if len(text) != 9 or not (text.isascii() and text.isdigit()):
        return False
    doubled = (int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(text)))
    return sum(value - 9 * (value > 9) for value in doubled) % 10 == 0
