"""What people write in a cell, French or English, as values; what could be two things is neither.

Each reader takes a cell and gives a value, None where the cell is empty, or raises Wrong.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from quitus_collector.domain.company import is_siren
from quitus_collector.domain.entitlement import UNLIMITED, Channel, Metric
from quitus_collector.services.intake.headings import names_in, plain
from quitus_collector.services.intake.lines import Cell, Wrong
from quitus_collector.services.wording import N_

MAX_TEXT = 255
MAX_QUANTITY = 2**31 - 2
YES = names_in("yes|oui|y|o|true|vrai|1|x|✓|✔")
NO = names_in("no|non|n|false|faux|0")
# Where a date or a number could stand: there is none.
ENDLESS = names_in(
    "perpetual|perpetuel|perpetuelle|unlimited|illimite|illimitee|never|jamais|sans limite|"
    "no limit|none|aucun|aucune|sans|indefini|n a|na|nc|sans objet|duree illimitee"
)
# Of a column that says what kind of licence it is.
PERPETUAL = names_in("perpetual|perpetuel|perpetuelle|a duree indeterminee|definitive")
METRICS: Mapping[str, Metric] = {
    name: metric
    for metric, names in {
        Metric.DEVICE: "device|devices|per device|par poste|poste|postes|appareil|appareils|"
        "ordinateur|ordinateurs|machine|machines|pc|pcs|computer|computers|installation|"
        "installations|install|installs|workstation|workstations|par appareil|par machine|"
        "node locked|node|poste de travail|postes de travail|per machine|endpoint|endpoints|"
        "terminal|terminaux",
        Metric.USER: "user|users|per user|par utilisateur|utilisateur|utilisateurs|named user|"
        "named users|utilisateur nomme|utilisateurs nommes|utilisateur designe|"
        "utilisateurs designes|personne|personnes|person|seat|seats|siege|sieges|"
        "authorized user|authorised user",
        Metric.CORE: "core|cores|per core|par coeur|coeur|coeurs|physical core|coeur physique|"
        "coeurs physiques|core licence|core license|core licences|core licenses|"
        "licence par coeur",
        Metric.PROCESSOR: "processor|processors|per processor|par processeur|processeur|"
        "processeurs|cpu|cpus|socket|sockets|par socket|par cpu",
        Metric.CONCURRENT: "concurrent|concurrent user|concurrent users|simultane|simultanes|"
        "usage simultane|utilisateur simultane|utilisateurs simultanes|flottant|flottante|"
        "flottantes|floating|reseau|network|jeton|jetons|token|tokens|acces concurrent|"
        "acces concurrents|concurrent uses|usages simultanes",
        Metric.EMPLOYEE: "employee|employees|per employee|par employe|employe|employes|salarie|"
        "salaries|effectif|effectifs|headcount",
        Metric.USER_CAL: "user cal|user_cal|cal user|cal utilisateur|cal utilisateurs|user cals|"
        "cal par utilisateur|user client access license|licence d acces client utilisateur",
        Metric.DEVICE_CAL: "device cal|device_cal|cal device|cal poste|cal appareil|cal postes|"
        "device cals|cal par appareil|cal par poste|device client access license|"
        "licence d acces client appareil|cal peripherique",
    }.items()
    for name in map(plain, names.split("|"))
}
CHANNELS: Mapping[str, Channel] = {
    name: channel
    for channel, names in {
        Channel.VOLUME: "volume|vl|licence en volume|volume licence|volume license|"
        "volume licensing|licences en volume|open|open value|open licence|open license|mpsa|ea|"
        "enterprise agreement|accord entreprise|contrat entreprise|select|select plus|vip|tlp|"
        "clp|contrat de volume|gamme volume|open gov|edu volume|etla",
        Channel.FULL_PACKAGE: "full package|full_package|fpp|retail|boite|version boite|"
        "detail|boxed|full packaged product|full package product|version complete|esd|"
        "produit complet|boite complete|vente au detail",
        Channel.OEM: "oem|preinstalle|preinstallee|pre installed|preinstalled|dsp|"
        "livre avec le poste|with hardware|avec le materiel|coem",
        Channel.SUBSCRIPTION: "subscription|abonnement|csp|location|rental|saas|annuel|"
        "abonnements|subscriptions|souscription|cloud|term|a duree determinee",
        Channel.USED: "used|occasion|d occasion|second hand|seconde main|de seconde main|"
        "secondhand|pre owned|preowned|reprise|licence d occasion|used licence|used license|"
        "marche secondaire",
        Channel.UNSTATED: "unstated|inconnu|unknown|non precise|indetermine|autre|other",
    }.items()
    for name in map(plain, names.split("|"))
}
MONTHS: Mapping[str, int] = {
    name: number
    for number, names in enumerate(
        (
            "janvier janv jan january",
            "fevrier fevr fev feb february",
            "mars mar march",
            "avril avr apr april",
            "mai may",
            "juin jun june",
            "juillet juil jul july",
            "aout aou aug august",
            "septembre sept sep september",
            "octobre oct october",
            "novembre nov november",
            "decembre dec december",
        ),
        start=1,
    )
    for name in names.split()
}
# What people write for countries; any code of two letters stands for itself.
COUNTRIES: Mapping[str, str] = {
    name: code
    for code, names in {
        "EEA": "eee|eea|espace economique europeen|european economic area|oui|yes|europe",
        "EU": "ue|eu|union europeenne|european union",
        "FR": "france",
        "DE": "allemagne|germany|deutschland",
        "BE": "belgique|belgium",
        "LU": "luxembourg",
        "ES": "espagne|spain",
        "IT": "italie|italy",
        "NL": "pays bas|netherlands",
        "AT": "autriche|austria",
        "PT": "portugal",
        "IE": "irlande|ireland",
        "PL": "pologne|poland",
        "SE": "suede|sweden",
        "DK": "danemark|denmark",
        "FI": "finlande|finland",
        "NO": "norvege|norway",
        "GB": "royaume uni|united kingdom|uk|angleterre",
        "US": "etats unis|united states|usa",
        "CH": "suisse|switzerland",
    }.items()
    for name in names.split("|")
}
_NUMBER = re.compile(r"(\d[\d .,\u00a0\u202f']*)(?:[x\u00d7]?\s*([^\d\s].*))?", re.DOTALL)
_GROUPED = re.compile(r"\d{1,3}(?:[ \u00a0\u202f']\d{3})+")
# "10 packs of 2 cores", "5 x 16 cœurs".
_PACKS = re.compile(
    r"(?P<packs>\d[\d \u00a0\u202f']*)\s*"
    r"(?:(?:packs?|lots?|paquets?|bundles?)\s*(?:of|de|d')|[x\u00d7])"
    r"\s*(?P<size>\d{1,4})(?:\s+(?P<unit>[^\d].*))?",
    re.IGNORECASE,
)
# Words after a number that tell no metric.
_UNITS = names_in("licence|licences|license|licenses|unit|units|unite|unites|u|exemplaires")
_LONG_DATE = re.compile(r"(\d{1,2})(?:er)? ([a-z]+) (\d{4})")
_LONG_DATE_US = re.compile(r"([a-z]+) (\d{1,2}) (\d{4})")
_SHORT_DATE = re.compile(r"(\d{1,2})([/.-])(\d{1,2})\2(\d{4}|\d{2})(?:[ T]00:00(?::00)?)?")
_ISO_TIME = re.compile(r"(\d{4}-\d\d-\d\d)[T ]\d\d:\d\d.*")
# Days since 1899-12-30, as Excel counts them: from 1990 on, to 2119.
_SERIALS = range(32874, 80000)
_EXCEL_EPOCH = date(1899, 12, 30)
# From this year on a date stands for "never".
_FOR_EVER = 2900


@dataclass(frozen=True, slots=True)
class Count:
    """A whole number, and the metric that its unit names, if it does."""

    number: int
    metric: Metric | None = None


def as_text(cell: Cell) -> str:
    """The cell as one line of text; a number without what the spreadsheet added to it."""
    if cell is None:
        return ""
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 10**15:
        cell = int(cell)
    if isinstance(cell, datetime):
        return cell.date().isoformat()
    return " ".join(str(cell).split())


def short(cell: Cell, limit: int = MAX_TEXT) -> str:
    """A text of limited length; empty where the cell is."""
    found = as_text(cell)
    if len(found) > limit:
        raise Wrong(N_("is longer than {limit} characters"), limit=limit)
    if not found.isprintable():
        raise Wrong(N_("has characters that cannot be shown"))
    return found


def name(cell: Cell) -> str | None:
    """A name or an id."""
    return short(cell) or None


def long_text(cell: Cell) -> str:
    """A text that may be longer."""
    return short(cell, 1000)


def quantity(cell: Cell) -> Count | None:
    """How many: a whole number, its unit with it where one is written."""
    if isinstance(cell, bool):
        raise _no_number(cell)
    if isinstance(cell, int | float):
        if cell < 0 or cell != cell or (isinstance(cell, float) and not cell.is_integer()):
            raise _no_number(cell)
        return Count(_limited(int(cell), cell))
    written = as_text(cell)
    if not written:
        return None
    if packs := _PACKS.fullmatch(written):
        packed = int("".join(filter(str.isdigit, packs["packs"]))) * int(packs["size"])
        return Count(_limited(packed, cell), _metric_of_unit(packs["unit"], cell))
    found = _NUMBER.fullmatch(written)
    if not found:
        raise _no_number(cell)
    number = _whole(found[1].strip(), cell)
    return Count(_limited(number, cell), _metric_of_unit(found[2], cell))


def _metric_of_unit(unit: str | None, cell: Cell) -> Metric | None:
    words = plain(unit or "")
    for each in (words, words.removeprefix("licences ").removeprefix("licenses ")):
        if not each or each in _UNITS:
            return None
        if each in METRICS:
            return METRICS[each]
    raise _no_number(cell)


def _whole(digits: str, cell: Cell) -> int:
    """A whole number by its separators: "1 234,00", "1,234.00" and "1.234" are 1234.

    Whether 1,000 is a thousand or one to three decimals, only its writer knows.
    """
    head = digits
    for mark, other in ((",", "."), (".", ",")):
        left, found, right = digits.rpartition(mark)
        if not found or other in right or mark in left:
            continue
        if set(right) == {"0"} and len(right) == 3 and not _GROUPED.fullmatch(left):
            if other in left:
                head = left
                break
            raise Wrong(N_("{value!r} may be two numbers: write it without separators"), value=cell)
        if right and set(right) == {"0"}:
            head = left
            break
    groups = re.split(r"[ \u00a0\u202f'.,]", head)
    marks = set(re.findall(r"[ \u00a0\u202f'.,]", head))
    is_grouped = (
        len(marks) <= 1
        and 1 <= len(groups[0]) <= (3 if len(groups) > 1 else 15)
        and all(len(group) == 3 for group in groups[1:])
    )
    if not is_grouped:
        raise _no_number(cell)
    return int("".join(groups))


def _limited(number: int, cell: Cell) -> int:
    if number > MAX_QUANTITY:
        raise Wrong(N_("{value!r} is more than {limit}"), value=cell, limit=MAX_QUANTITY)
    return number


def _no_number(cell: Cell) -> Wrong:
    return Wrong(N_("{value!r} is not a whole number from 0 on"), value=cell)


def limit(cell: Cell) -> int | None:
    """How many at the most; none where it is empty or said to be none."""
    if plain(cell or "") in ENDLESS:
        return None
    found = quantity(cell)
    if found and not found.number:
        raise Wrong(N_("is 0: leave it empty for no limit"))
    return found.number if found else None


def guests(cell: Cell) -> int | None:
    """How many virtual machines, or that there is no limit."""
    if plain(cell or "") in ("unlimited", "illimite", "illimitees", "illimites"):
        return UNLIMITED
    found = quantity(cell)
    return found.number if found else None


def metric(cell: Cell) -> Metric | None:
    """What is counted."""
    words = plain(cell or "")
    if not words:
        return None
    if words in METRICS:
        return METRICS[words]
    raise Wrong(N_("{value!r} is no metric; known: {known}"), value=cell, known=", ".join(Metric))


def channel(cell: Cell) -> Channel | None:
    """How it was bought."""
    words = plain(cell or "")
    if not words:
        return None
    for each in (words, words.removeprefix("licence ").removeprefix("license ")):
        if each in CHANNELS:
            return CHANNELS[each]
    raise Wrong(
        N_("{value!r} is no way to buy; known: {known}"), value=cell, known=", ".join(Channel)
    )


def yes_or_no(cell: Cell) -> bool | None:
    """Yes or no, in either language."""
    if isinstance(cell, bool):
        return cell
    written = as_text(cell).casefold()
    if not written:
        return None
    if written in YES:
        return True
    if written in NO:
        return False
    raise Wrong(N_("{value!r} is neither yes nor no"), value=cell)


def day(cell: Cell) -> date | None:
    """A day: ISO, French with the day first, in words, or as Excel counts days."""
    if isinstance(cell, datetime):
        cell = cell.date()
    if isinstance(cell, date):
        return None if cell.year >= _FOR_EVER else cell
    written = as_text(cell)
    if not written or plain(written) in ENDLESS:
        return None
    try:
        found = _day(written)
    except ValueError:
        found = None
    if found is None:
        raise Wrong(N_("{value!r} is not a date like 31/12/2026 or 2026-12-31"), value=cell)
    return None if found.year >= _FOR_EVER else found


def _day(written: str) -> date | None:
    """None or ValueError where it is no date."""
    if written.isascii() and written.isdigit():
        serial = int(written) if len(written) == 5 else 0
        return _EXCEL_EPOCH + timedelta(days=serial) if serial in _SERIALS else None
    if found := _SHORT_DATE.fullmatch(written):
        year = int(found[4]) + (0 if len(found[4]) == 4 else 2000)
        return date(year, int(found[3]), int(found[1]))
    if found := _ISO_TIME.fullmatch(written):
        return date.fromisoformat(found[1])
    words = plain(written)
    if found := _LONG_DATE.fullmatch(words):
        return date(int(found[3]), MONTHS.get(found[2], 0), int(found[1]))
    if found := _LONG_DATE_US.fullmatch(words):
        return date(int(found[3]), MONTHS.get(found[1], 0), int(found[2]))
    return date.fromisoformat(written) if written[4:5] == "-" else None


def siren(cell: Cell) -> str | None:
    """The SIREN, also of a SIRET; a spreadsheet may have eaten its leading zeros."""
    written = "".join(as_text(cell).split())
    if not written:
        return None
    digits = written.zfill(9) if isinstance(cell, int | float) else written
    if len(digits) == 14 and digits.isdigit():
        digits = digits[:9]
    if not is_siren(digits):
        raise Wrong(
            N_("{value!r} is not a SIREN: nine digits with their check digit"), value=as_text(cell)
        )
    return digits


def owners(cell: Cell) -> tuple[str, ...]:
    """The former owners, the first one first."""
    names = (" ".join(each.split()) for each in re.split(r"\s*(?:;|→|->|>|\|)\s*", long_text(cell)))
    return tuple(filter(None, names))


def country(cell: Cell) -> str:
    """Where it was first sold: a code of two letters, or the EEA as a whole."""
    words = plain(cell or "")
    if not words:
        return ""
    if words in COUNTRIES:
        return COUNTRIES[words]
    if len(words) == 2 and words.isalpha():
        return words.upper()
    raise Wrong(N_("{value!r} is no country's code of two letters, nor EEA"), value=cell)


# How each field of a neutral line is read.
READERS: Mapping[str, Callable[[Cell], object]] = {
    "id": name,
    "product": long_text,
    "publisher": short,
    "version": short,
    "edition": short,
    "part_number": short,
    "quantity": quantity,
    "units_per_pack": limit,
    "metric": metric,
    "channel": channel,
    "valid_from": day,
    "valid_until": day,
    "maintenance_until": day,
    "proof": long_text,
    "entity": siren,
    "bound_to": name,
    "downgrade": yes_or_no,
    "edition_downgrade": yes_or_no,
    "second_use": yes_or_no,
    "devices_per_user": limit,
    "virtual_machines": guests,
    "requires_base": name,
    "previous_owners": owners,
    "first_sale": country,
    "perpetual": yes_or_no,
}
