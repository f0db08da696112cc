"""XML from outside, read as a stream of elements; documents that declare entities are refused."""

from collections.abc import Callable
from typing import NamedTuple
from xml.parsers import expat

from quitus_agent.errors import SourceError

MAX_DEPTH = 64


class Element(NamedTuple):
    """An element: name and attributes without namespaces, its text verbatim, the names above."""

    name: str
    attributes: dict[str, str]
    text: str
    path: tuple[str, ...]


def walk(content: bytes, visit: Callable[[Element], None]) -> None:
    """Calls `visit` for each element when it ends, inner ones first.

    Raises SourceError for what is not well-formed, nested too deep, or declares entities, which a
    tag has no use for and an attacker has.
    """
    parser = expat.ParserCreate(namespace_separator=" ")
    open_elements: list[tuple[str, dict[str, str], list[str]]] = []

    def start(name: str, attributes: dict[str, str]) -> None:
        if len(open_elements) >= MAX_DEPTH:
            raise SourceError("is nested too deep")
        plain = {_local(key): value for key, value in attributes.items()}
        open_elements.append((_local(name), plain, []))

    def characters(text: str) -> None:
        if open_elements:
            open_elements[-1][2].append(text)

    def end(_: str) -> None:
        name, attributes, texts = open_elements.pop()
        path = tuple(each[0] for each in open_elements)
        visit(Element(name, attributes, "".join(texts), path))

    def refuse(*_: object) -> None:
        raise SourceError("declares entities")

    parser.StartElementHandler = start
    parser.CharacterDataHandler = characters
    parser.EndElementHandler = end
    parser.EntityDeclHandler = refuse
    try:
        parser.Parse(content, True)
    except expat.ExpatError as error:
        raise SourceError(f"line {error.lineno}: {expat.ErrorString(error.code)}") from error
    except (ValueError, LookupError) as error:
        raise SourceError("is in an encoding that nobody knows") from error


def _local(name: str) -> str:
    return name.rpartition(" ")[2]
