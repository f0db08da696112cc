"""XML from outside, read as a stream of elements; documents that declare entities are refused."""

import re
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Callable
from typing import NamedTuple
from xml.parsers import expat

from quitus_agent.errors import SourceError

MAX_DEPTH = 64
UTF_16 = (BOM_UTF16_LE, BOM_UTF16_BE, b"<\0", b"\0<")
_DECLARATION = re.compile(r"\s*<\?xml[^>]*\?>")


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
        parser.Parse(in_utf8(content), True)
    except expat.ExpatError as error:
        raise SourceError(f"line {error.lineno}: {expat.ErrorString(error.code)}") from error
    except (ValueError, LookupError) as error:
        raise SourceError("is in an encoding that nobody knows") from error


def in_utf8(content: bytes) -> bytes:
    """XML as it is, but what is in UTF-16 in UTF-8 and without its declaration.

    Tools that write their output on in UTF-16, as PowerShell does, leave the declaration of UTF-8.
    """
    if not content.startswith(UTF_16):
        return content
    is_little = content.startswith((BOM_UTF16_LE, b"<\0"))
    text = content.decode("utf-16-le" if is_little else "utf-16-be", errors="replace")
    return _DECLARATION.sub("", text.removeprefix("\ufeff"), count=1).encode()


def _local(name: str) -> str:
    return name.rpartition(" ")[2]
