"""Declarations that are kept: drafted, approved, sealed, submitted; letters, expected devices."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import TypeAdapter, ValidationError

from quitus_collector.adapters import documents, portals
from quitus_collector.adapters.declaration import attachments
from quitus_collector.adapters.declaration import evidence as evidence_files
from quitus_collector.adapters.declaration import files as declaration_files
from quitus_collector.domain import comparison
from quitus_collector.domain import declaration as declared
from quitus_collector.domain.comparison import Difference
from quitus_collector.domain.declaration import Declaration, Remedy, Reservation
from quitus_collector.domain.filing import Filing, Guard, State
from quitus_collector.errors import CollectorError, FilingRefused, SealError, UsageError
from quitus_collector.services import duties, filings, submission
from quitus_collector.services.licensing import end_of_past
from quitus_collector.services.ports import Disclosed, Paper, Portal, SealedDocument
from quitus_collector.services.wording import N_
from quitus_collector.wiring import declaration
from quitus_collector.wiring.collector import Collector

if TYPE_CHECKING:
    from quitus_collector.adapters import directory

log = logging.getLogger(__name__)
# Below the collector's folder: descriptions of portals, and what they are signed in to with.
PORTALS, CREDENTIALS = "portals", "credentials"
_FIGURES = TypeAdapter(Declaration)


def draft(
    collector: Collector,
    publisher: str | None,
    campaign: str = "",
    day: date | None = None,
    folder: Path | None = None,
    asked_as: str = "",
    still: Callable[[], None] = duties.unasked,
) -> tuple[Filing, tuple[Path, ...]]:
    """Fills a declaration in and keeps it; with a folder, writes its files there too.

    `asked_as` is the job that has it done, which makes one declaration however often it runs.
    Nothing is kept where `still` raises once it is filled in.
    """
    from quitus_collector.adapters.declaration import typst

    letter = ""
    if campaign:
        with collector.store.reading() as work:
            found = work.campaigns.get(campaign)
        publisher, letter = publisher or found.publisher, found.reference
    at = end_of_past(collector.clock, day) if day else None
    made, evidence = declaration.fill_in(collector, publisher, at)
    made = replace(made, reference=letter)
    # Written first: what cannot be written is not kept either.
    files = declaration.write(collector, made, evidence, folder) if folder else ()
    still()
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
        asked_as=asked_as,
    )
    return filing, files


def kept(collector: Collector, filing_id: str) -> tuple[Filing, Declaration]:
    """A declaration that is kept, and what it was filled in with; raises UsageError."""
    with collector.store.reading() as work:
        filing = work.filings.get(filing_id)
        figures = work.papers.find(filing_id, Paper.FIGURES) or b""
    return filing, _figures(filing, figures)


def compare(collector: Collector, before: str, after: str) -> Sequence[Difference]:
    """The lines in which two that are kept differ; raises UsageError for other addressees."""
    with collector.store.reading() as work:
        one, other = work.filings.get(before), work.filings.get(after)
    if one.publisher != other.publisher:
        raise UsageError(N_("the two declarations are not to the same publisher"))
    return comparison.compare(
        declaration_files.made_of(one.document, before).stated,
        declaration_files.made_of(other.document, after).stated,
    )


def portals_known(collector: Collector) -> Sequence[str]:
    """The names of the portals that are described, sorted."""
    return sorted(each.stem for each in (collector.config.home / PORTALS).glob("*.toml"))


def remark(collector: Collector, filing_id: str, said: Reservation | Remedy) -> Filing:
    """One reservation or step of the plan more; raises UsageError for a line that is not there."""

    def add(made: Declaration) -> Declaration:
        if said.product and said.product not in {line.product for line in made.lines}:
            raise UsageError(
                "the declaration {filing_id} has no line {product}",
                filing_id=filing_id,
                product=said.product,
            )
        return made.remarked(said)

    return _amend(collector, filing_id, add)


def unremark(collector: Collector, filing_id: str, number: int) -> Filing:
    """Without the remark of this number; raises UsageError where there is none."""

    def take_out(made: Declaration) -> Declaration:
        try:
            return made.unremarked(number)
        except IndexError as error:
            raise UsageError(
                "the declaration {filing_id} has no remark {number}",
                filing_id=filing_id,
                number=number,
            ) from error

    return _amend(collector, filing_id, take_out)


def _amend(
    collector: Collector, filing_id: str, change: Callable[[Declaration], Declaration]
) -> Filing:
    from quitus_collector.adapters.declaration import typst

    with collector.store.reading() as work:
        before = work.filings.get(filing_id)
        figures = work.papers.find(filing_id, Paper.FIGURES) or b""
    # Tried first: that it is approved is worth saying before anything else.
    before.amend(b"", collector.actor)
    made = change(_figures(before, figures))
    return filings.amend(
        collector.store,
        collector.clock,
        filing_id,
        before.digest,
        _document(made),
        {
            Paper.DRAFT: typst.render(made, collector.messages),
            Paper.FIGURES: _FIGURES.dump_json(made),
        },
        actor=collector.actor,
    )


def _figures(filing: Filing, figures: bytes) -> Declaration:
    """The declaration that was kept; raises CollectorError where it is not the filing's."""
    try:
        made = _FIGURES.validate_json(figures)
    except ValidationError as error:
        raise CollectorError("the figures of {id} cannot be read", id=filing.id) from error
    if _document(made) != filing.document:
        raise CollectorError("the figures of {id} are not those of its document", id=filing.id)
    return made


@dataclass(frozen=True, slots=True)
class View:
    """What a portal is given of a declaration, field by field.

    `digest` binds the document and the portal's description: whoever names it saw both.
    """

    fields: Sequence[Disclosed]
    digest: str


def view(collector: Collector, filing_id: str, name: str) -> View:
    """What this portal would be given; nothing is sent."""
    with collector.store.reading() as work:
        filing = work.filings.get(filing_id)
        given = submission.sending(work, filing)
    fields = portal(collector, name).disclose(given)
    return View(fields, _view_digest(collector, filing, name))


def _view_digest(collector: Collector, filing: Filing, name: str) -> str:
    description = documents.read_bytes(portals.file_of(collector.config.home / PORTALS, name))
    parts = (filing.digest, name, sha256(description).hexdigest())
    return sha256("\0".join(parts).encode()).hexdigest()


def _must_have_seen(shown: str, filing: Filing, name: str, digest: str) -> None:
    """Raises UsageError unless `shown` begins the digest of the view."""
    if len(shown) < filings.MIN_DIGEST or not digest.startswith(shown.lower()):
        raise UsageError(
            "the view of the declaration {id} for {name} does not have the digest {shown!r}: look "
            "at all of it with declaration show {id} --portal {name}, and give the digest that is "
            "shown there",
            id=filing.id,
            name=name,
            shown=shown,
        )


def approve(
    collector: Collector,
    filing_id: str,
    portal_name: str,
    digest: str,
    name: str,
    function: str,
    overrides: Mapping[Guard, str],
) -> Filing:
    """One approval of what the portal would be given, by the digest of that view.

    Who is not named is the signatory of the settings. Raises FilingRefused for a signatory whose
    delegation is missing or not in force, and UsageError for another digest.
    """
    company = collector.config.company
    reason = company.no_authority(collector.clock.today())
    if reason and name in ("", company.signatory):
        raise FilingRefused(reason)
    with collector.store.reading() as work:
        filing = work.filings.get(filing_id)
    seen = _view_digest(collector, filing, portal_name)
    _must_have_seen(digest, filing, portal_name, seen)
    return filings.approve(
        collector.store,
        collector.clock,
        filing_id,
        digest=filing.digest,
        portal=portal_name,
        view=seen,
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
        approved = replace(
            _figures(filing, figures),
            state="approved",
            approvals=tuple(
                declared.Approval(each.name, each.function, each.at, each.is_author)
                for each in filing.approvals
            ),
            overrides=tuple(
                declared.Override(each.guard.value, each.reason, each.by, each.at)
                for each in filing.overrides
            ),
        )
        sealed = declaration.seal(self._collector, approved)
        return SealedDocument(sealed.pdf, _inside(sealed.pdf), sealed.verification.level)


def seal_receipt(collector: Collector, filing: Filing) -> bool:
    """Signs what the portal answered, as the settings have it; False without a certificate.

    Raises SealError: the receipt is kept all the same, and can be sealed later.
    """
    stated = submission.receipt_document(filing)
    with declaration.credential(collector) as by:
        if by is None:
            return False
        from quitus_collector.adapters.seal import pades

        signed = pades.attest(stated, by, collector.config.seal.timestamp_url)
    submission.keep_receipt_seal(
        collector.store, collector.clock, filing, signed, actor=collector.actor
    )
    return True


def seal_receipt_at_once(collector: Collector, filing: Filing) -> None:
    """Where there is a receipt; what hinders it does not undo that there is one."""
    if filing.state is not State.SUBMITTED:
        return
    try:
        seal_receipt(collector, filing)
    except SealError as error:
        # It can be sealed later.
        log.warning(
            "a receipt is not sealed", extra={"declaration": filing.id, "reason": str(error)}
        )


def fetch_expected(collector: Collector) -> tuple["directory.Found", str]:
    """The devices that Active Directory has, and its address; nothing is kept of them.

    Raises UsageError.
    """
    from quitus_collector.adapters import directory

    settings = collector.config.directory
    if settings is None:
        raise UsageError("no directory is configured: see [directory] in collector.toml")
    found = directory.expected(settings, collector.config.credentials, collector.clock.now())
    return found, settings.url


def must_not_wait(collector: Collector) -> None:
    """Raises FilingRefused while who acts cannot approve, seal or submit yet."""
    with collector.store.reading() as work:
        duties.must_not_wait(work, collector.actor, collector.clock.now())


def seal(
    collector: Collector, filing_id: str, still: Callable[[], None] = duties.unasked
) -> Filing:
    """Makes the document that goes out, unless `still` raises once it is made."""
    return filings.seal(
        collector.store,
        collector.clock,
        DeclarationSealer(collector),
        filing_id,
        actor=collector.actor,
        still=still,
    )


def portal(collector: Collector, name: str) -> Portal:
    """The portal that is described under this name in the collector's folder."""
    home, given = collector.config.home, collector.config.credentials
    return portals.load(home / PORTALS, home / CREDENTIALS, name, given)


def submit(
    collector: Collector,
    filing_id: str,
    name: str,
    shown: str = "",
    still: Callable[[], None] = duties.unasked,
) -> Filing:
    """Sends it to the portal, once, unless `still` raises just before.

    To another portal than the approvers saw, or one that is described otherwise since, only with
    the digest of its view, `shown`; raises UsageError without.
    """
    with collector.store.reading() as work:
        filing = work.filings.get(filing_id)
    seen = _view_digest(collector, filing, name)
    if filing.approvals and seen not in {each.view for each in filing.approvals}:
        _must_have_seen(shown, filing, name, seen)
    return submission.submit(
        collector.store,
        collector.clock,
        portal(collector, name),
        filing_id,
        actor=collector.actor,
        still=still,
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


def _document(made: Declaration) -> bytes:
    return attachments.attachments(made)[attachments.JSON]


def _inside(pdf: bytes) -> bytes:
    """The JSON that the PDF carries."""
    from quitus_collector.adapters.seal.pades_check import inside

    return bytes(inside(pdf).files[attachments.JSON])
