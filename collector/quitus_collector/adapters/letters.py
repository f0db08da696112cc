"""Letters of reply: texts from a file that the company can replace, as PDF through Typst."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import typst

from quitus_collector.adapters.documents import Model, own_or_shipped, read_toml
from quitus_collector.adapters.portals.description import fill
from quitus_collector.domain.campaign import Answer, Campaign, Nature
from quitus_collector.domain.company import Company
from quitus_collector.errors import RenderError
from quitus_collector.services import wording
from quitus_collector.services.ports import Clock, Messages

SHIPPED = Path(__file__).parents[1] / "letters"
TEMPLATE = Path(__file__).parents[1] / "templates" / "letter.typ"


class AnswerTexts(Model):
    """One kind of answer."""

    subject: str
    paragraphs: list[str]


class Note(Model):
    """For the signatory; without `answers` or `natures`, for all of them."""

    text: str
    source: str
    answers: list[Literal["declare", "clarify", "decline"]] = []
    natures: list[Literal["voluntary", "contractual", "judicial"]] = []

    def concerns(self, answer: Answer, nature: Nature) -> bool:
        """Whether it is about this answer to a letter of this nature."""
        return (not self.answers or answer.value in self.answers) and (
            not self.natures or nature.value in self.natures
        )


class Texts(Model):
    """The file of one language."""

    reviewed: str
    notes_title: str
    notes_intro: str
    source: str
    subject: str
    reference: str
    unknown: str
    nature: dict[Literal["voluntary", "contractual", "judicial"], str]
    answers: dict[Literal["declare", "clarify", "decline"], AnswerTexts]
    notes: list[Note]


def texts(language: str, own: Path) -> Texts:
    """The company's own file of this language, else the shipped one; raises UsageError."""
    return read_toml(own_or_shipped(own, SHIPPED, f"{language}.toml"), Texts)


class Letter:
    """One answer to one letter: as text, as PDF, and the notes beside it."""

    def __init__(
        self,
        found: Texts,
        campaign: Campaign,
        answer: Answer,
        company: Company,
        messages: Messages,
        clock: Clock,
        *,
        entity: str = "",
        reasons: str = "",
    ) -> None:
        """Raises UsageError for a name in a text that nothing is called."""
        self._texts, self._company, self._messages = found, company, messages
        self._campaign = campaign
        values = _values(found, campaign, company, messages, entity, reasons)
        where = f"letters/{messages.language}.toml"
        values["nature"] = fill(found.nature[campaign.nature.value], values, where)
        chosen = found.answers[answer.value]
        self.subject = fill(chosen.subject, values, where)
        self.paragraphs = [fill(each, values, where) for each in chosen.paragraphs]
        self._notes = [each for each in found.notes if each.concerns(answer, campaign.nature)]
        today = messages.day(clock.today().isoformat())
        self._place = f"{company.place or found.unknown}, {today}"

    def text(self) -> str:
        """The letter as text, the notes not among it."""
        found, reference = self._texts, self._campaign.reference
        head = [f"{found.reference} {reference}"] if reference else []
        parts = [
            "\n".join(self._sender()),
            "\n".join(self._recipient()),
            self._place,
            "\n".join([*head, f"{found.subject} {self.subject}"]),
            *self.paragraphs,
            "\n".join(self._signature()),
        ]
        return "\n\n".join(parts) + "\n"

    def pdf(self) -> bytes:
        """The letter, ready to print; raises RenderError."""
        return _compile(
            {
                "kind": "letter",
                "title": self.subject,
                "author": self._company.name,
                "language": self._messages.language,
                "sender": self._sender(),
                "recipient": self._recipient(),
                "place": self._place,
                "reference_label": self._texts.reference,
                "reference": self._campaign.reference,
                "subject_label": self._texts.subject,
                "subject": self.subject,
                "paragraphs": self.paragraphs,
                "signature": self._signature(),
            }
        )

    def notes(self) -> bytes:
        """What the signatory is to know, with its sources: a page that is not sent."""
        return _compile(
            {
                "kind": "notes",
                "title": self._texts.notes_title,
                "author": self._company.name,
                "language": self._messages.language,
                "reviewed": self._texts.reviewed,
                "intro": self._texts.notes_intro,
                "source_label": self._texts.source,
                "notes": [{"text": each.text, "source": each.source} for each in self._notes],
            }
        )

    def _sender(self) -> list[str]:
        company = self._company
        name = " ".join(filter(None, (company.name or self._texts.unknown, company.legal_form)))
        siren = f"SIREN {wording.siren(company.siren)}" if company.siren else ""
        return [name, *filter(None, (*company.address.split(", "), siren))]

    def _recipient(self) -> list[str]:
        campaign = self._campaign
        return [campaign.publisher_label, *filter(None, campaign.address.split(", "))]

    def _signature(self) -> list[str]:
        company, unknown = self._company, self._texts.unknown
        return [company.signatory or unknown, company.function or unknown]


def _values(
    found: Texts,
    campaign: Campaign,
    company: Company,
    messages: Messages,
    entity: str,
    reasons: str,
) -> dict[str, str]:
    for_entity = f" (SIREN {wording.siren(entity)})" if entity else ""
    deadline = f" ({messages.day(campaign.due.isoformat())})" if campaign.due else ""
    return {
        "publisher": campaign.publisher_label,
        "letter.reference": campaign.reference or found.unknown,
        "letter.dated": messages.day(campaign.dated.isoformat()),
        "letter.received": messages.day(campaign.received_on.isoformat()),
        "letter.basis": campaign.basis or found.unknown,
        "company.name": company.name or found.unknown,
        "for_entity": for_entity,
        "deadline": deadline,
        "reasons": reasons or found.unknown,
    }


def _compile(content: Mapping[str, object]) -> bytes:
    try:
        pdf = typst.compile(
            TEMPLATE.read_bytes(),
            sys_inputs={"content": json.dumps(content, ensure_ascii=False)},
            ignore_system_fonts=True,
            pdf_standards=["ua-1"],
        )
    except typst.TypstError as error:
        raise RenderError(
            "the letter could not be typeset: {message}", message=error.message
        ) from error
    if not isinstance(pdf, bytes):
        raise RenderError("the letter could not be typeset: no document came out")
    return pdf
