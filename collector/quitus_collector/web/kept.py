"""What was posted by a session that had ended: kept in the page that asks to sign in again."""

import json
from dataclasses import asdict, dataclass
from threading import BoundedSemaphore
from typing import Any
from urllib.parse import urlsplit

from fastapi import Request
from starlette.datastructures import UploadFile

from quitus_collector.web.visits import SAFE, owner_of

# Of the fields together, as JSON: more than anybody types into one of our forms.
MAX_CHARACTERS = 200_000
MAX_FIELDS = 300
# How many strangers' forms are read at once; each may fill 32 MiB of the disk meanwhile.
STRANGERS = BoundedSemaphore(4)
# What is not for a page to hold.
SECRET = frozenset({"csrf", "password", "old", "new", "again", "code", "sealed", "secret"})
# What a page notes in its forms for itself.
OF_THE_PAGE = frozenset({"digest", "seen", "lines", "id", "number", "after", "before"})


@dataclass(frozen=True, slots=True)
class Kept:
    """A form of ours: where it goes, its fields in their order, of whose page it was.

    `lost_file` says that a file went with it, which has to be chosen again.
    """

    path: str
    fields: tuple[tuple[str, str], ...]
    whose: str
    lost_file: bool = False

    @property
    def typed(self) -> tuple[tuple[str, str], ...]:
        """What a person filled in, as far as a form tells."""
        return tuple(
            (name, value)
            for name, value in self.fields
            if value.strip() and name not in SECRET and name not in OF_THE_PAGE
        )

    def written(self) -> str:
        """As a page carries it."""
        return json.dumps(asdict(self))


async def posted_by_stranger(request: Request) -> Kept | None:
    """The same of who is not signed in: of a few at once, since a file may go with it."""
    if not STRANGERS.acquire(blocking=False):
        return None
    try:
        return await posted(request)
    finally:
        STRANGERS.release()


async def posted(request: Request) -> Kept | None:
    """What this request posts, where it is certain that a page of ours did.

    None for what another site may have made the browser send, and for what is too long.
    """
    origin = urlsplit(request.headers.get("origin", ""))
    is_ours = bool(origin.netloc) and origin.netloc == request.headers.get("host")
    if request.method in SAFE or not is_ours or request.url.path.startswith("/sign-in"):
        return None
    form = await request.form()
    given = form.get("csrf", "") or request.headers.get("x-csrf-token", "")
    whose = owner_of(given) if isinstance(given, str) else ""
    fields = tuple(
        (name, value)
        for name, value in form.multi_items()
        if isinstance(value, str) and name not in SECRET
    )
    files = [each for each in form.values() if isinstance(each, UploadFile) and each.filename]
    found = Kept(request.url.path, fields, whose, bool(files))
    if not whose or len(fields) > MAX_FIELDS or len(found.written()) > MAX_CHARACTERS:
        return None
    return found


def read(written: str) -> Kept | None:
    """What a page carried; None where it is nothing of ours."""
    if len(written) > MAX_CHARACTERS:
        return None
    try:
        found: dict[str, Any] = json.loads(written)
        fields = tuple((str(name), str(value)) for name, value in found["fields"])
        path, whose = str(found["path"]), str(found["whose"])
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    # Browsers leave tabs and line ends out before they look where a form goes.
    is_ours = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
    if not is_ours or len(fields) > MAX_FIELDS:
        return None
    return Kept(path, fields, whose, bool(found.get("lost_file")))
