"""What forms send, beyond the fields that a page's function names."""

from collections.abc import Mapping
from typing import Annotated
from urllib.parse import quote

from fastapi import Depends, Request, UploadFile
from fastapi.responses import Response

from quitus_collector.errors import UsageError
from quitus_collector.services.wording import N_
from quitus_collector.web.uploads import plain_name

# Of one field; what is longer was not typed by anybody.
MAX_FIELD = 20_000


async def _fields(request: Request) -> Mapping[str, str]:
    found = await request.form()
    return {name: value for name, value in found.items() if isinstance(value, str)}


# All fields of a form that are no files, by their names; of several with one name the last.
Fields = Annotated[Mapping[str, str], Depends(_fields)]


def needed(fields: Mapping[str, str], name: str, label: str) -> str:
    """What was typed in a field that cannot be empty; raises UsageError."""
    value = fields.get(name, "").strip()
    if not value:
        raise UsageError(N_("{field}: is empty"), field=label)
    if len(value) > MAX_FIELD:
        raise UsageError(
            N_("{field}: is longer than {limit} characters"), field=label, limit=MAX_FIELD
        )
    return value


def content_of(file: UploadFile | None) -> tuple[bytes, str]:
    """What was uploaded, and what its file is called; raises UsageError where nothing was."""
    if file is None or not file.filename:
        raise UsageError(N_("no file was chosen: choose one and send the form again"))
    return file.file.read(), plain_name(file.filename)


def download(content: bytes, name: str, kind: str = "application/octet-stream") -> Response:
    """A file to keep; never shown by the browser as a page of ours."""
    ascii_name = "".join(
        each if (each.isascii() and each.isalnum()) or each in "-_. " else "_" for each in name
    )
    disposition = f"attachment; filename=\"{ascii_name}\"; filename*=UTF-8''{quote(name)}"
    return Response(content, media_type=kind, headers={"Content-Disposition": disposition})
