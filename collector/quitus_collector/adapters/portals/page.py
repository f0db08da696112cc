"""A portal's page as a browser has it: its forms, their fields by name or label, its marks."""

from collections.abc import Iterator
from dataclasses import dataclass

from selectolax.lexbor import LexborHTMLParser, LexborNode

from quitus_collector.errors import PortalMismatch

BLANK = " "
CONTROLS = "input, select, textarea"
NOT_SENT = ("submit", "button", "image", "reset", "file")


@dataclass(frozen=True, slots=True)
class Control:
    """A field of a form, and what it is called: by its name and by its labels."""

    node: LexborNode
    name: str
    kind: str
    labels: tuple[str, ...]

    @property
    def is_required(self) -> bool:
        """Whether a browser would not send the form without it."""
        return "required" in self.node.attributes

    def value(self) -> str | None:
        """What it sends by itself; None for nothing."""
        attributes = self.node.attributes
        if self.kind in NOT_SENT or "disabled" in attributes:
            return None
        if self.kind in ("checkbox", "radio"):
            return (attributes.get("value") or "on") if "checked" in attributes else None
        if self.kind == "select":
            options = self.node.css("option")
            chosen = [each for each in options if "selected" in each.attributes] or options[:1]
            return _option_value(chosen[0]) if chosen else None
        if self.kind == "textarea":
            return self.node.text()
        return attributes.get("value") or ""

    def accepted(self, value: str) -> str | None:
        """The value as the field sends it, None where it does not take it."""
        if self.kind == "select":
            for each in self.node.css("option"):
                if value in (_option_value(each), text_of(each)):
                    return _option_value(each)
            return None
        if self.kind in ("checkbox", "radio"):
            sent = self.node.attributes.get("value") or "on"
            return sent if value in (sent, *self.labels, "yes") else None
        limit = self.node.attributes.get("maxlength") or ""
        return None if limit.isdecimal() and len(value) > int(limit) else value


BLANK = " "  # what stands between the texts of two elements


def parse(content: bytes) -> LexborHTMLParser:
    """The page; anything is one, as in a browser."""
    return LexborHTMLParser(content)


def text_of(node: LexborNode) -> str:
    """What is read, its blanks made single."""
    return " ".join(node.text(separator=BLANK).split())


def mark(page: LexborHTMLParser, selector: str) -> str | None:
    """The text at a CSS selector, None where there is nothing."""
    found = page.css_first(selector) if selector else None
    return text_of(found) if found is not None else None


class Form:
    """A form of a page. Raises PortalMismatch where it is not as the page is described."""

    def __init__(self, page: LexborHTMLParser, selector: str, title: str) -> None:
        """`title` names the page in complaints."""
        self.title = title
        found = page.css(selector)
        if len(found) != 1:
            what = "several forms" if found else "no form"
            raise PortalMismatch(
                "the page “{title}” has {what} {selector!r}",
                title=title,
                what=what,
                selector=selector,
            )
        self._node = found[0]
        labels = _labels(page)
        self.controls = tuple(_controls(self._node, labels))
        self.action = self._node.attributes.get("action") or ""
        self.method = (self._node.attributes.get("method") or "get").lower()
        self.is_multipart = self._node.attributes.get("enctype") == "multipart/form-data"

    def find(self, label: str, name: str) -> Control:
        """The field with this label, or this name; raises PortalMismatch unless there is one."""
        called = f"labelled “{label}”" if label else f"named {name!r}"
        found = [
            each
            for each in self.controls
            if (plain(label) in map(plain, each.labels) if label else each.name == name)
        ]
        if not found:
            raise PortalMismatch(
                "the page “{title}” has no field {called}", title=self.title, called=called
            )
        if len(found) > 1 and found[0].kind != "radio":
            raise PortalMismatch(
                "the page “{title}” has several fields {called}", title=self.title, called=called
            )
        return found[0]

    def radio(self, name: str, value: str) -> str | None:
        """What a group of radio buttons sends for the one that is called so."""
        group = [each for each in self.controls if each.name == name and each.kind == "radio"]
        return next((sent for each in group if (sent := each.accepted(value))), None)


def plain(label: str) -> str:
    """A label without its marks: capitals, colon, star."""
    return " ".join(label.split()).rstrip(" *:\N{NO-BREAK SPACE}").casefold()


def _labels(page: LexborHTMLParser) -> list[tuple[LexborNode, str]]:
    return [(each, text_of(each)) for each in page.css("label")]


def _controls(form: LexborNode, labels: list[tuple[LexborNode, str]]) -> Iterator[Control]:
    for node in form.css(CONTROLS):
        attributes = node.attributes
        kind = (attributes.get("type") or "text").lower() if node.tag == "input" else node.tag
        own = attributes.get("id")
        named = [text for label, text in labels if own and label.attributes.get("for") == own]
        around = node.parent
        while around is not None and around.tag != "form":
            if around.tag == "label":
                named.append(text_of(around))
            around = around.parent
        if title := attributes.get("aria-label"):
            named.append(title)
        yield Control(node, attributes.get("name") or "", str(kind), tuple(named))


def _option_value(node: LexborNode) -> str:
    value = node.attributes.get("value")
    return text_of(node) if value is None else value
