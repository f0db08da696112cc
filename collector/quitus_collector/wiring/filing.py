"""Declarations that are kept: drafted, approved, sealed, submitted; letters, expected devices."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from quitus_collector.adapters import attachments, evidence_files, portals
from quitus_collector.domain import declaration as declared
from quitus_collector.domain.declaration import Declaration, Reach
from quitus_collector.domain.filing import Filing, Guard
from quitus_collector.errors import CollectorError, FilingRefused
from quitus_collector.services import filings, submission
from quitus_collector.services.licensing import end_of_past
from quitus_collector.services.ports import Disclosed, Paper, Portal, SealedDocument
from quitus_collector.wiring import declaration
from quitus_collector.wiring.collector import Collector

# Below the collector's folder: descriptions of portals, and what they are signed in to with.
PORTALS, CREDENTIALS = "portals", "credentials"
_FIGURES = TypeAdapter(Declaration)


def draft(
    collector: Collector,
    publisher: str | None,
    campaign: str = "",
    day: date | None = None,
    folder: Path | None = None,
) -> tuple[Filing, tuple[Path, ...]]:
    """Fills a declaration in and keeps it; with a folder, writes its files there too."""
    from quitus_collector.adapters import typst

    letter = ""
    if campaign:
        with collector.store.reading() as work:
            found = work.campaigns.get(campaign)
        publisher, letter = publisher or found.publisher, found.reference
    at = end_of_past(collector.clock, day) if day else None
    made, evidence = declaration.fill_in(collector, publisher, at)
    made = replace(made, reference=letter, reach=_expected(collector, made.reach))
    # Written first: what cannot be written is not kept either.
    files = declaration.write(collector, made, evidence, folder) if folder else ()
    filing = filings.draft(
        collector.store,
        collector.clock,
        document=_document(made),
        lines=[each.product for each in made.lines],
        papers={
            Paper.DRAFT: typst.render(made, collector.messages),
            Paper.FIGURES: _FIGURES.dump_json(made),
            Paper.EVIDENCE: evidence_files.write(evidence),
        },
        publisher=publisher or "",
        policy=collector.config.approval,
        actor=collector.actor,
        campaign=campaign,
    )
    return filing, files


def approve(
    collector: Collector,
    filing_id: str,
    digest: str,
    name: str,
    function: str,
    overrides: Mapping[Guard, str],
) -> Filing:
    """One approval; who is not named is the signatory of the settings.

    Raises FilingRefused for a signatory whose delegation is missing or not in force.
    """
    company = collector.config.company
    reason = company.no_authority(collector.clock.today())
    if reason and name in ("", company.signatory):
        raise FilingRefused(reason)
    return filings.approve(
        collector.store,
        collector.clock,
        filing_id,
        digest=digest,
        name=name or company.signatory,
        function=function or company.function,
        overrides=overrides,
        actor=collector.actor,
    )


class DeclarationSealer:
    """Implements ports.Sealer with the company's certificate."""

    def __init__(self, collector: Collector) -> None:
        """Touches no key yet."""
        self._collector = collector

    def seal(self, filing: Filing, figures: bytes) -> SealedDocument:
        """Typesets what was approved, with who approved it and what was set aside, and seals it.

        Raises CollectorError where the figures are not those that were approved.
        """
        try:
            made = _FIGURES.validate_json(figures)
        except ValidationError as error:
            raise CollectorError(f"the figures of {filing.id} cannot be read") from error
        if _document(made) != filing.document:
            raise CollectorError(f"the figures of {filing.id} are not those that were approved")
        approved = replace(
            made,
            state="approved",
            approvals=tuple(
                declared.Approval(each.name, each.function, each.at) for each in filing.approvals
            ),
            overrides=tuple(
                declared.Override(each.guard.value, each.reason, each.by, each.at)
                for each in filing.overrides
            ),
        )
        sealed = declaration.seal(self._collector, approved)
        return SealedDocument(sealed.pdf, _inside(sealed.pdf), sealed.verification.level)


def seal(collector: Collector, filing_id: str) -> Filing:
    """Makes the document that goes out."""
    sealer = DeclarationSealer(collector)
    return filings.seal(collector.store, collector.clock, sealer, filing_id, actor=collector.actor)


def portal(collector: Collector, name: str) -> Portal:
    """The portal that is described under this name in the collector's folder."""
    home = collector.config.home
    return portals.load(home / PORTALS, home / CREDENTIALS, name)


def disclosed(collector: Collector, filing_id: str, name: str) -> Sequence[Disclosed]:
    """What the portal would be given, field by field; nothing is sent."""
    with collector.store.reading() as work:
        given = submission.sending(work, work.filings.get(filing_id))
    return portal(collector, name).disclose(given)


def submit(collector: Collector, filing_id: str, name: str) -> Filing:
    """Sends it to the portal, once."""
    return submission.submit(
        collector.store,
        collector.clock,
        portal(collector, name),
        filing_id,
        actor=collector.actor,
    )


def ask(collector: Collector, filing_id: str) -> Filing:
    """Asks the portal that it was sent to."""
    with collector.store.reading() as work:
        attempts = work.filings.get(filing_id).attempts
    name = attempts[-1].portal if attempts else ""
    return submission.ask(
        collector.store,
        collector.clock,
        portal(collector, name),
        filing_id,
        actor=collector.actor,
    )


def _expected(collector: Collector, reach: Sequence[Reach]) -> tuple[Reach, ...]:
    """With how many devices there should be by legal entity, where the company has a list."""
    with collector.store.reading() as work:
        listed = Counter(each.entity for each in work.expected_devices.list())
    if not listed:
        return tuple(reach)
    missing = [Reach(name, 0, 0, 0, 0) for name in listed if name not in {r.name for r in reach}]
    # Without an entity last, as before.
    found = sorted((*reach, *missing), key=lambda each: (not each.name, each.name))
    return tuple(replace(each, expected=listed[each.name]) for each in found)


def _document(made: Declaration) -> bytes:
    return attachments.attachments(made)[attachments.JSON]


def _inside(pdf: bytes) -> bytes:
    """The JSON that the PDF carries."""
    from quitus_collector.adapters.pades_check import inside

    return bytes(inside(pdf).files[attachments.JSON])
