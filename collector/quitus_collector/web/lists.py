"""Lists that are shown a page at a time."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar
from urllib.parse import urlencode

Item = TypeVar("Item")
SIZE = 50


@dataclass(frozen=True, slots=True)
class Cut(Generic[Item]):
    """A page of a list; `earlier` and `later` are addresses, empty where there is nothing."""

    items: Sequence[Item]
    total: int
    earlier: str
    later: str


def cut(
    items: Sequence[Item],
    key: Callable[[Item], str],
    path: str,
    asked: dict[str, str],
    size: int = SIZE,
) -> Cut[Item]:
    """The page after, or before, the item that `asked` names; items are sorted by `key`.

    An item that is gone meanwhile leaves the place where it was.
    """
    after, before = asked.get("after", ""), asked.get("before", "")
    start = 0
    if after:
        start = sum(key(each) <= after for each in items)
    elif before:
        start = max(sum(key(each) < before for each in items) - size, 0)
    shown = items[start : start + size]
    others = {
        name: value for name, value in asked.items() if value and name not in ("after", "before")
    }

    def address(**cursor: str) -> str:
        return f"{path}?{urlencode({**others, **cursor})}"

    has_later = start + size < len(items)
    return Cut(
        shown,
        len(items),
        address(before=key(shown[0])) if start and shown else "",
        address(after=key(shown[-1])) if has_later and shown else "",
    )
