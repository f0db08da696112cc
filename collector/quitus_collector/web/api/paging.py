"""Long lists come in pages: each names the cursor of the next one."""

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Generic, TypeVar

from fastapi import Query
from pydantic import BaseModel

from quitus_collector.errors import UsageError

Item = TypeVar("Item")
Key = TypeVar("Key", str, int)

Limit = Annotated[int, Query(ge=1, le=1000, description="items in a page, at most")]
Cursor = Annotated[
    str, Query(max_length=2000, description="`next` of the page before; without it, the first page")
]


class Page(BaseModel, Generic[Item]):
    """A part of a list; `next` is the cursor of the part that follows, None in the last one."""

    items: list[Item]
    next: str | None


def cursor_of(key: Any) -> str:
    """A key as a cursor has it, which nobody has to understand."""
    return base64.urlsafe_b64encode(json.dumps(key).encode()).decode().rstrip("=")


def key_of(cursor: str, kind: type[Key]) -> Key:
    """The key in a cursor; raises UsageError for one that is none of ours."""
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        key = json.loads(base64.urlsafe_b64decode(padded))
    except (ValueError, binascii.Error, RecursionError):
        key = None
    # A number that no database has is none of ours either.
    if type(key) is not kind or (isinstance(key, int) and not 0 <= key < 2**63):
        raise UsageError("{cursor} is no cursor of this list", cursor=repr(cursor[:60]))
    return key


def paged(
    items: Sequence[Item], key: Callable[[Item], str], cursor: str, limit: int
) -> tuple[Sequence[Item], str | None]:
    """A part of a list that is sorted by `key`, after the cursor, and the next cursor."""
    after = key_of(cursor, str) if cursor else None
    left = [each for each in items if after is None or key(each) > after]
    shown = left[:limit]
    return shown, cursor_of(key(shown[-1])) if len(left) > limit else None
