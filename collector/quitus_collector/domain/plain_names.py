"""Names of products and publishers without what changes neither: marks, language, legal form."""

import re
import unicodedata
from functools import lru_cache

from quitus_collector.domain.patterns import without_accents

_SPACES = re.compile(r"\s+")
_MARKS = re.compile(r"\((?:r|tm|c)\)|[®™©\u200b-\u200f\u202a-\u202e\u2066-\u2069]", re.IGNORECASE)
_QUOTES = str.maketrans(dict.fromkeys("\u2018\u2019`\u00b4", "'"))
# What publishers append to a name without changing the product: architecture, language, scope.
_LANGUAGE_NAMES = (
    "french|francais|france|english|anglais|englisch|inglese|ingles|german|deutsch|allemand|"
    "tedesco|aleman|italian|italiano|italien|italienisch|spanish|espanol|espagnol|spanisch|dutch|"
    "nederlands|neerlandais|portuguese|portugues|portugais|portugiesisch|polish|polski|polonais|"
    "russian|japanese|chinese|simplified chinese|czech|hungarian|turkish|swedish|danish|norwegian|"
    "finnish|korean|greek|romanian|multi(?:-?language|lingual|lingue|lingua)?|international|ml|"
    "multilanguages"
)
_ARCHITECTURES = (
    "(?:64|32)[- ]?bits?|x64|x86|x86[_-]64|amd64|arm64|ia64|win64|win32|64 ?bit edition|"
    "64 ?octets|intel|universal|apple silicon"
)
_CODES = "[a-z]{2}(?:[-_][a-z]{2,4})?"
# In brackets at the end: "(x64 fr)", "(64-bit edition)", "(remove only)", "(User)".
_BRACKETED = re.compile(
    rf"(?:(?:{_ARCHITECTURES})(?: edition| version)?(?: (?:{_ARCHITECTURES}|{_CODES}))?|{_CODES}|"
    rf"{_LANGUAGE_NAMES}|remove only|uninstall only|(?:only )?current user|all users|"
    r"user(?: installer)?|machine(?:-wide)?|system(?: installer)?|per[- ]user|per[- ]machine|"
    r"supprimer uniquement|nur entfernen|solo rimozione)"
)
# After a dash at the end: "- fr-fr", "- Français (French)", "- FRA", "- x64".
_DASHED = re.compile(
    r"(?:[a-z]{2,3}-[a-z]{2,4}(?:-[a-z]{2,4})?|"
    rf"(?:{_LANGUAGE_NAMES})(?: \((?:{_LANGUAGE_NAMES})\))?|"
    rf"(?:{_LANGUAGE_NAMES})(?:, (?:{_LANGUAGE_NAMES}))+|"
    rf"{_ARCHITECTURES}|enu|fra|deu|ita|esn|esp|nld|ptb|ptg|plk|csy|rus|jpn|chs|cht|kor|trk)"
)
_LAST_WORDS = re.compile(rf"(.+) (?:-?(?:{_ARCHITECTURES}))", re.IGNORECASE)
_LEGAL_FORMS = re.compile(
    r"\b(?:inc|incorporated|corp|corporation|corporations|company|co|ltd|limited|llc|llp|plc|pty|"
    r"gmbh|mbh|ag|kg|se|sa|sas|sarl|s a|s a s|s a r l|s r o|sro|s r l|bv|b v|nv|ab|oy|srl|spa|"
    r"s p a|s l|sl|aps|a s|as|pvt|lp|l p|kk)\b"
)
_PUNCTUATION = re.compile(r"[.,()\"'/]+")
_SUBJECT = re.compile(r"(?:^|,\s*)(?:O|CN)\s*=\s*\"?([^\",]+)")
_NOTICE = re.compile(
    r"^(?:(?:copyright|by|the)\b|\(c\)|[©\ufffd]|ï¿½|[\s,–-]*(?:19|20)\d\d[\d\s,–-]*)[\s,]*",
    re.IGNORECASE,
)
_HOLDER = re.compile(
    r"^.*?(?:copyright|©|\(c\))(?:\s*(?:copyright|©|\(c\)))*\s*(?=.*[a-z])", re.IGNORECASE
)
_ADDRESS = re.compile(r"\s*<[^>]*>|https?://\S+")


def plain_name(name: str) -> str:
    """The name without accents, marks, architecture and language: what changes no product."""
    plain = name
    if not plain.isascii():
        plain = without_accents(_MARKS.sub("", plain.translate(_QUOTES)))
    elif "(" in plain:
        plain = _MARKS.sub("", plain)
    plain = " ".join(plain.split())
    while (shorter := _without_ending(plain)) and shorter != plain:
        plain = shorter
    return plain


def _without_ending(plain: str) -> str:
    if plain.endswith(")"):
        head, bracket, inside = plain.rpartition("(")
        if bracket and _BRACKETED.fullmatch(inside[:-1].strip().lower()):
            return head.rstrip(" -")
    head, dash, end = plain.rpartition(" - ")
    if dash and _DASHED.fullmatch(end.strip().lower()):
        return head.rstrip()
    if plain[-1:].lower() in "4672st" and (found := _LAST_WORDS.fullmatch(plain)):
        return found[1].rstrip(" -,")
    return plain


@lru_cache(maxsize=1 << 16)
def plain_publisher(publisher: str) -> str:
    """The publisher in lower case without its legal form: "Adobe Inc." and "Adobe" are one.

    Of a certificate's subject the organisation, of a copyright notice its holder.
    """
    plain = unicodedata.normalize("NFC", publisher)
    if subject := _SUBJECT.findall(plain):
        plain = str(subject[-1] if "O=" in plain.replace(" ", "") else subject[0])
    plain = _HOLDER.sub("", plain)
    plain = _ADDRESS.sub("", _MARKS.sub("", plain)).strip()
    while (shorter := _NOTICE.sub("", plain, count=1)) != plain and shorter:
        plain = shorter
    words = _PUNCTUATION.sub(" ", without_accents(plain).casefold())
    words = _SPACES.sub(" ", words).strip()
    words = words.removesuffix("all rights reserved").strip()
    found = _SPACES.sub(" ", _LEGAL_FORMS.sub(" ", words)).strip(" -&")
    # A number where a name should be says nothing.
    return (found or words) if any(map(str.isalpha, words)) else ""
