"""Documents that prove a line of the pools, how much they prove, and titles of used licences."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum, StrEnum

from quitus_collector.domain.entitlement import Channel, Entitlement


class ProofKind(StrEnum):
    """What a document is."""

    AGREEMENT = "agreement"
    INVOICE = "invoice"
    CERTIFICATE = "certificate"
    CHAIN_OF_TITLE = "chain-of-title"
    OTHER = "other"


class Strength(IntEnum):
    """How much the documents of a line prove."""

    NONE = 0
    WEAK = 1
    STRONG = 2


# What proves a line by itself, by how it was bought. Auditors take dated invoices in the company's
# name and agreements; a certificate of authenticity proves what came with a machine or in a box.
# Of used licences only the chain of title shows that the seller had something to sell.
STRONG: dict[Channel, frozenset[ProofKind]] = {
    Channel.VOLUME: frozenset({ProofKind.AGREEMENT, ProofKind.INVOICE}),
    Channel.SUBSCRIPTION: frozenset({ProofKind.AGREEMENT, ProofKind.INVOICE}),
    Channel.FULL_PACKAGE: frozenset({ProofKind.INVOICE}),
    Channel.OEM: frozenset({ProofKind.INVOICE, ProofKind.CERTIFICATE}),
    Channel.USED: frozenset({ProofKind.CHAIN_OF_TITLE}),
    Channel.UNSTATED: frozenset({ProofKind.AGREEMENT, ProofKind.INVOICE}),
}
# The member states of the EU and of the EEA besides, by their codes (ISO 3166-1; EL for Greece as
# the EU writes it), and the words for either as a whole.
EEA = frozenset(
    "AT BE BG CY CZ DE DK EE EL ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK "  # noqa: SIM905
    "IS LI NO EEA EU".split()
)


@dataclass(frozen=True, slots=True)
class Proof:
    """A document kept for a line; `name` is what its file was called, `sha256` in hex."""

    entitlement: str
    sha256: str
    kind: ProofKind
    name: str
    size_bytes: int
    added_at: datetime
    added_by: str = ""
    removed_at: datetime | None = None
    removed_by: str = ""
    reason: str = ""


class TitleFlaw(StrEnum):
    """What a used licence lacks to be shown to be lawful (CJEU C-128/11, UsedSoft)."""

    NO_OWNER = "no former owner is named"
    NO_FIRST_SALE = "where it was first sold is not stated"
    OUTSIDE_EEA = "it was first sold outside the EEA"
    NOT_STATED_PERPETUAL = "whether it is perpetual is not stated"
    NOT_PERPETUAL = "it is not perpetual"
    NO_CHAIN = "no chain of title is attached"


def strength(line: Entitlement, kinds: Collection[ProofKind]) -> Strength:
    """How much documents of these kinds prove of a line."""
    if not kinds:
        return Strength.NONE
    return Strength.STRONG if STRONG[line.channel] & set(kinds) else Strength.WEAK


def title_flaws(line: Entitlement, kinds: Collection[ProofKind]) -> tuple[TitleFlaw, ...]:
    """What a used line lacks, empty for others.

    The right to sell a copy ends with its first sale in the EEA by the rights holder or with
    their consent, if the licence was granted for an unlimited period (C-128/11, 44-49, 72); who
    relies on it must show it (C-166/15, Ranks).
    """
    return tuple(_title_flaws(line, kinds)) if line.channel is Channel.USED else ()


def _title_flaws(line: Entitlement, kinds: Collection[ProofKind]) -> Iterator[TitleFlaw]:
    if not line.previous_owners:
        yield TitleFlaw.NO_OWNER
    if not line.first_sale:
        yield TitleFlaw.NO_FIRST_SALE
    elif line.first_sale not in EEA:
        yield TitleFlaw.OUTSIDE_EEA
    if line.valid_until or line.perpetual is False:
        yield TitleFlaw.NOT_PERPETUAL
    elif line.perpetual is None:
        yield TitleFlaw.NOT_STATED_PERPETUAL
    if ProofKind.CHAIN_OF_TITLE not in kinds:
        yield TitleFlaw.NO_CHAIN
