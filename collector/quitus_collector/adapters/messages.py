"""What people read, in their language: message catalogues, numbers and dates, through Babel."""

from datetime import date as Day
from datetime import datetime
from decimal import Decimal
from functools import cache
from io import BytesIO
from pathlib import Path
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_time
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_currency, format_decimal
from babel.support import NullTranslations, Translations

from quitus_collector.errors import CollectorError, StoreError
from quitus_collector.services.wording import N_

LOCALES = Path(__file__).parents[1] / "locales"
LANGUAGES = ("fr", "en")
AWAY = N_(
    "The database does not answer just now. Try again in a moment; the collector’s log says what "
    "is wrong."
)


class Messages:
    """The messages of one language; English texts are the keys, so English needs no catalogue."""

    def __init__(self, language: str, zone: ZoneInfo) -> None:
        """`language` is one of LANGUAGES; `zone` is where the company reads its clocks."""
        self._zone = zone
        self.language = language
        self._locale = Locale.parse(language)
        self._translations = _translations(language)

    def text(self, message: str, **values: object) -> str:
        """The message in this language, its {names} filled in."""
        found = self._translations.gettext(message) if message else ""
        return found.format(**values) if values else found

    def error(self, error: CollectorError) -> str:
        """What an error says, as a sentence; what it quotes of another one too.

        What a database said is for who runs it, and is not repeated: it belongs into the log.
        """
        if isinstance(error, StoreError):
            return self.text(AWAY)
        values = {
            name: self._quoted(each) if isinstance(each, CollectorError) else each
            for name, each in error.values.items()
        }
        said = self.text(error.message, **values)
        return said[:1].upper() + said[1:]

    def _quoted(self, error: CollectorError) -> str:
        said = self.error(error)
        return said[:1].lower() + said[1:]

    def count(self, one: str, many: str, number: int, **values: object) -> str:
        """The form that fits the number, {n} and other {names} filled in."""
        found = self._translations.ngettext(one, many, number)
        return found.format(n=self.number(number), **values)

    def number(self, value: int | None) -> str:
        """A whole number with its separators; a dash where there is none."""
        return "–" if value is None else format_decimal(value, locale=self._locale)

    def money(self, amount: Decimal, currency: str) -> str:
        """An amount with its currency, as people write it."""
        return format_currency(amount, currency, locale=self._locale)

    def date(self, moment: datetime) -> str:
        """The day in words, as the company's calendar has it."""
        return self._in_words(moment.astimezone(self._zone).date())

    def day(self, iso: str) -> str:
        """A day that is written 2026-12-31, in words."""
        return self._in_words(Day.fromisoformat(iso))

    def _in_words(self, day: Day) -> str:
        written = format_date(day, format="long", locale=self._locale)
        # What the locale's data leave out: the first of a month is written 1er.
        return f"1er{written[1:]}" if self.language == "fr" and day.day == 1 else written

    def moment(self, moment: datetime) -> str:
        """The day in words and the time, as the company's clock has them."""
        local = moment.astimezone(self._zone)
        time = format_time(local, format="short", locale=self._locale)
        return self.text("{date} at {time}", date=self.date(moment), time=time)


@cache
def _translations(language: str) -> NullTranslations:
    file = LOCALES / f"{language}.po"
    if not file.exists():
        return NullTranslations()
    compiled = BytesIO()
    with file.open("rb") as source:
        write_mo(compiled, read_po(source, locale=language, abort_invalid=True))
    compiled.seek(0)
    return Translations(compiled)
