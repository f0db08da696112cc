"""Letters of reply, read back from their PDF."""

from datetime import date
from io import BytesIO
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from pypdf import PdfReader

from quitus_collector.adapters import letters
from quitus_collector.adapters.messages import Messages
from quitus_collector.domain.campaign import Answer, Campaign, Nature
from quitus_collector.domain.company import Company
from quitus_collector.errors import UsageError
from tests.fakes.clock import FakeClock

COMPANY = Company(
    "Œuvres & Fils",
    "SAS",
    "999000110",
    "1 rue de l’Été, 42000 Saint-Étienne",
    "Zoé Noël",
    "DSI",
    "Saint-Étienne",
)


def a_letter(
    answer: Answer,
    nature: Nature = Nature.VOLUNTARY,
    language: str = "fr",
    own: Path = Path("/nowhere"),
    **options: str,
) -> letters.Letter:
    campaign = Campaign(
        id="L-1",
        publisher="microsoft",
        publisher_label="Éditeur Exemple",
        reference="SAM/2026/0042",
        dated=date(2026, 11, 2),
        received_on=date(2026, 11, 5),
        nature=nature,
        deadline=date(2026, 12, 31),
        basis="" if nature is Nature.VOLUNTARY else "l’article 7 du contrat n° 12",
        address="Service conformité, 10 avenue du Port, 75000 Paris",
    )
    messages = Messages(language, ZoneInfo("Europe/Paris"))
    found = letters.texts(language, own)
    return letters.Letter(found, campaign, answer, COMPANY, messages, FakeClock(), **options)


def read(pdf: bytes) -> str:
    pages = PdfReader(BytesIO(pdf)).pages
    return " ".join(" ".join(page.extract_text().split()) for page in pages)


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("nature", list(Nature))
@pytest.mark.parametrize("answer", list(Answer))
def test_every_answer_is_one_page_with_nothing_left_to_fill_in(
    answer: Answer, nature: Nature, language: str
) -> None:
    made = a_letter(answer, nature, language, reasons="délai trop court", entity="999000227")

    pdf, text = made.pdf(), made.text()

    assert len(PdfReader(BytesIO(pdf)).pages) == 1
    for shown in ("SAM/2026/0042", "999 000 110", "Zoé Noël"):
        assert shown in read(pdf)
        assert shown in text
    assert "{" not in text
    assert "compléter" not in text


def test_the_notes_have_their_sources_and_are_not_to_be_sent() -> None:
    notes = read(a_letter(Answer.DECLINE).notes())

    assert "À FAIRE RELIRE PAR UN CONSEIL AVANT ENVOI" in notes
    assert "ne pas envoyer" in notes
    assert "Code civil, art. 1103 et 1104" in notes
    assert "art. 1383" not in notes  # on declarations
    assert "art. 1217" not in notes  # on contracts


def test_a_duty_is_named_where_the_letter_rests_on_one() -> None:
    made = a_letter(Answer.DECLARE, Nature.CONTRACTUAL)

    assert "se fonde sur l’article 7 du contrat n° 12" in made.text()
    assert "à titre volontaire" not in made.text()


def test_the_companys_own_texts_take_the_place_of_the_shipped_ones(tmp_path: Path) -> None:
    shipped = (letters.SHIPPED / "fr.toml").read_text()
    (tmp_path / "fr.toml").write_text(shipped.replace("Madame, Monsieur,", "Chère {company.name},"))

    assert "Chère Œuvres & Fils," in a_letter(Answer.DECLARE, own=tmp_path).text()


def test_a_text_with_an_unknown_name_says_where(tmp_path: Path) -> None:
    shipped = (letters.SHIPPED / "fr.toml").read_text()
    (tmp_path / "fr.toml").write_text(shipped.replace("{nature}", "{natura}"))

    with pytest.raises(UsageError, match=r"letters/fr.toml: nothing is called \{natura\}"):
        a_letter(Answer.DECLARE, own=tmp_path)
