"""The declaration as PDF, typeset by Typst: PDF/A, tagged, its fonts its own, no network."""

import json
import re
from collections.abc import Mapping
from pathlib import Path

import typst

from quitus_collector.adapters.declaration import pages as declaration_pages
from quitus_collector.adapters.declaration.attachments import attachments
from quitus_collector.domain.declaration import Declaration
from quitus_collector.errors import RenderError
from quitus_collector.services.ports import Messages

TEMPLATE = Path(__file__).parents[2] / "templates" / "declaration.typ"
_UNDISPLAYABLE = re.compile(r'the text `?"(.+?)"`? could not be displayed', re.DOTALL)
MAX_UNDISPLAYABLE = 200
BOX = "□"


def render(declaration: Declaration, messages: Messages) -> bytes:
    """The PDF's bytes, the same for the same declaration; raises RenderError.

    The JSON and CSV files are inside. A character that the fonts lack would make the document
    refuse to be an archive; it is shown as a box, as a reader would show it.
    """
    files = attachments(declaration)
    pages = declaration_pages.content(declaration, files, messages)
    content = json.dumps(pages, ensure_ascii=False)
    for _ in range(MAX_UNDISPLAYABLE):
        try:
            return _compile(content, files, declaration)
        except typst.TypstError as error:
            missing = _UNDISPLAYABLE.search(error.message)
            if not missing:
                raise RenderError(
                    "the declaration could not be typeset: {message}", message=error.message
                ) from error
            for character in set(missing[1]):
                content = content.replace(character, BOX)
    raise RenderError("the declaration has too many characters that no font shows")


def _compile(content: str, files: Mapping[str, bytes], declaration: Declaration) -> bytes:
    pdf = typst.compile(
        TEMPLATE.read_bytes(),
        sys_inputs={"content": content} | {name: each.decode() for name, each in files.items()},
        ignore_system_fonts=True,
        pdf_standards=["a-3a", "ua-1"],
        timestamp=declaration.drafted_at.replace(microsecond=0),
    )
    if not isinstance(pdf, bytes):
        raise RenderError("the declaration could not be typeset: no document came out")
    return pdf
