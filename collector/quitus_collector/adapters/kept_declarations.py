"""Declarations as the collector keeps them between a draft and its seal: nothing is left out.

What is disclosed is another file (`attachments`): this one has names of devices and of software
that the addressee does not see.
"""

from pydantic import TypeAdapter, ValidationError

from quitus_collector.domain.declaration import Declaration
from quitus_collector.errors import StoreError

_DECLARATION = TypeAdapter(Declaration)


def dump(declaration: Declaration) -> bytes:
    """All of it, as JSON."""
    return _DECLARATION.dump_json(declaration)


def load(content: bytes) -> Declaration:
    """The declaration that was dumped; raises StoreError where it is none."""
    try:
        return _DECLARATION.validate_json(content)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise StoreError(f"a kept declaration is damaged at {place}: {first['msg']}") from error
