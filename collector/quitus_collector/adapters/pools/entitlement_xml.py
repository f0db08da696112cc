"""ISO/IEC 19770-3 entitlements (ENT) in XML, read by what their elements are called.

The schema of the standard is sold, not published: so an entitlement is any element that is called
so, and its elements and attributes are taken for columns, whatever their order and namespace.
A document type or an entity is refused.
"""

import re
from collections.abc import Iterator
from xml.etree.ElementTree import Element, ParseError

from quitus_collector.errors import UsageError
from quitus_collector.services.intake.headings import field_of
from quitus_collector.services.intake.lines import Cell, Problem, RawLine, Reading, path_in, phrase
from quitus_collector.services.wording import N_

ENTITLEMENTS = frozenset({"ent", "entitlement", "softwareentitlement", "swentitlement"})
MAX_DEPTH = 50
# Each element takes memory as long as the document is read.
MAX_TAGS = 2_000_000
TAG = b"<"
_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|[_.-]")


def read(content: bytes) -> Reading:
    """A line for each entitlement; raises UsageError where it is no XML or has none."""
    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import fromstring

    if content.count(TAG) > MAX_TAGS:
        raise UsageError("is XML of more than {max_tags} tags", max_tags=MAX_TAGS)
    try:
        root = fromstring(content, forbid_dtd=True)
    except DefusedXmlException as error:
        raise UsageError("is XML with a document type or entities, which are refused") from error
    except (ParseError, ValueError, LookupError) as error:
        raise UsageError("is not XML ({error})", error=error) from error
    if _depth(root) > MAX_DEPTH:
        raise UsageError("is XML of more than {max_depth} levels", max_depth=MAX_DEPTH)
    lines, problems = [], []
    for path, element in _entitlements(root, f"/{_local(root)}"):
        line, wrong = _line(path, element)
        lines.append(line)
        problems.extend(wrong)
    if not lines:
        raise UsageError("is XML, but has no entitlement (ISO/IEC 19770-3)")
    return Reading("ent", lines, (), problems)


def _depth(root: Element) -> int:
    level, deepest = [root], 0
    while level:
        deepest += 1
        level = [child for each in level for child in each]
        if deepest > MAX_DEPTH:
            break
    return deepest


def _local(element: Element) -> str:
    name = element.tag if isinstance(element.tag, str) else ""
    return name.rpartition("}")[2]


def _entitlements(element: Element, path: str) -> Iterator[tuple[str, Element]]:
    """The innermost elements that are called entitlement, with their paths."""
    found = False
    for number, child in enumerate(element, start=1):
        for each in _entitlements(child, f"{path}/{_local(child)}[{number}]"):
            found = True
            yield each
    if not found and _local(element).lower() in ENTITLEMENTS:
        yield path, element


def _line(path: str, entitlement: Element) -> tuple[RawLine, list[Problem]]:
    values: dict[str, Cell] = {"product": None, "quantity": None}
    columns: dict[str, str] = {}
    problems = []
    for name, heading, value in _told(entitlement, ""):
        field = field_of(heading) or field_of(_words(name))
        if not field or not value:
            continue
        if values.get(field) is None:
            values[field], columns[field] = value, name
        elif values[field] != value:
            what = phrase(
                N_("says {field} again, and otherwise: {value!r}"), field=field, value=value
            )
            problems.append(Problem(path_in(path), name, what))
    return RawLine(path_in(path), values, columns), problems


def _told(element: Element, above: str) -> Iterator[tuple[str, str, str]]:
    """Each attribute and text: its name, that with the element's name before it, its value."""
    own = _words(_local(element))
    for name, value in element.attrib.items():
        local = name.rpartition("}")[2]
        yield local, f"{own} {_words(local)}", value.strip()
    if element.text and element.text.strip():
        yield _local(element), f"{above} {own}", element.text.strip()
    for child in element:
        yield from _told(child, own)


def _words(name: str) -> str:
    """`EntitlementId` as words."""
    return _WORDS.sub(" ", name).lower()
