"""The installs of a scenario file, read apart: nearly all of a large document.

Too many to be an object each. They are taken piece by piece where every one is plainly right;
else the whole document goes to the model, which says what is wrong.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

import numpy as np

from quitus_collector.adapters.exact_json import parsed
from quitus_collector.domain.licensing.columns import Installs, Numbering, Numbers

PIECE_BYTES = 1 << 16  # the entries of one fit into what a processor has at hand
_LIST = re.compile(rb'"installs"\s*:\s*\[')
_BETWEEN = re.compile(rb"(?<=\})[ \t\r\n]*,")
_KEYS = b'"device"', b'"product"'
# A value that JSON does not have, in the place of the list: it tells that place from any other.
_PLACEHOLDER = b"NaN"


def without_installs(content: bytes) -> tuple[Any, Installs] | None:
    """The document with an empty list of installs, and the installs; None where any may be wrong.

    Each names a listed device and product and nothing else.
    """
    try:
        at = _LIST.search(content)
        if at is None:
            return None
        devices, products = Numbering(), Numbering()
        columns, end = [], at.end()
        for start, end in _pieces(content, at.end()):
            columns.append(_columns(content[start:end], devices, products))
        placeholders: list[str] = []

        def placeholder(name: str) -> list[str]:
            placeholders.append(name)
            return placeholders

        rest = content[: at.end() - 1] + _PLACEHOLDER + content[end + 1 :]
        document = parsed(rest.decode(), placeholder)
        if document["installs"] is not placeholders or len(placeholders) > 1:
            return None
        document["installs"] = []
        known = [{entry["id"] for entry in document[name]} for name in ("devices", "products")]
    except (KeyError, TypeError, ValueError, RecursionError):
        return None
    if not (devices.keys() <= known[0] and products.keys() <= known[1]):
        return None
    on, of = (np.concatenate(column) for column in zip(*columns, strict=True))
    return document, Installs.at(tuple(devices), tuple(products), on, of)


def _pieces(content: bytes, start: int) -> Iterator[tuple[int, int]]:
    """Where some entries at a time of the list that starts here begin and end.

    What is cut in the middle of a text is no JSON on its own, and so refused.
    """
    while True:
        between = _BETWEEN.search(content, start + PIECE_BYTES)
        cut = between.start() if between else len(content)
        end = content.find(b"]", start, cut)
        if end >= 0:
            yield start, end
            return
        if between is None:
            raise ValueError("the list has no end")
        yield start, cut
        start = between.end()


def _columns(piece: bytes, devices: Numbering, products: Numbering) -> tuple[Numbers, Numbers]:
    """The numbers of devices and products of some entries.

    Raises ValueError, KeyError or TypeError where one may have other keys, or one key twice.
    """
    text = f"[{piece.decode()}]"
    entries = json.loads(text)
    if {*map(piece.count, _KEYS)} != {len(entries)} or b"\\" in piece:
        # A key may be given twice, the second time with escapes.
        entries = parsed(text)
    if {*map(len, entries)} != {2}:
        raise ValueError("an entry has other keys, or there is none")
    return (
        np.array([devices[entry["device"]] for entry in entries], np.int32),
        np.array([products[entry["product"]] for entry in entries], np.int32),
    )
