"""Documents from outside, checked against a model; every complaint names its place."""

import tomllib
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from quitus_collector.errors import UsageError


class Model(BaseModel):
    """A document's shape: unknown keys are refused and nothing is converted silently."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


def read_text(path: Path) -> str:
    """The text of a UTF-8 file; raises UsageError naming it."""
    return text_of(read_bytes(path), path)


def text_of(content: bytes, path: Path) -> str:
    """The text of a UTF-8 file that holds this; raises UsageError naming it."""
    try:
        return TextIOWrapper(BytesIO(content), encoding="utf-8").read()
    except UnicodeDecodeError as error:
        raise UsageError("{path}: is not UTF-8 text", path=path) from error


def read_bytes(path: Path) -> bytes:
    """What a file holds; raises UsageError naming it."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError("{path}: {strerror}", path=path, strerror=error.strerror) from error


Shape = TypeVar("Shape", bound=Model)


def read_toml(path: Path, shape: type[Shape]) -> Shape:
    """A TOML file of this shape; raises UsageError naming the file and the place."""
    try:
        return shape.model_validate(tomllib.loads(read_text(path)))
    except tomllib.TOMLDecodeError as error:
        raise UsageError("{path}: {error}", path=path, error=error) from error
    except RecursionError as error:
        raise UsageError("{path}: nested too deep", path=path) from error
    except ValidationError as error:
        raise UsageError("{path}: {error}", path=path, error=complaint(error)) from error


def own_or_shipped(own: Path, shipped: Path, name: str) -> Path:
    """A file of the company's own folder, else the one that is shipped."""
    return own / name if (own / name).exists() else shipped / name


REASONS = {
    "extra_forbidden": "unknown key",
    "missing": "missing",
    "model_type": "is no table of keys and values",
}


def complaint(error: ValidationError) -> str:
    """The first complaint as one sentence, its place written like `entitlements[2].quantity`.

    A check of a whole document names the place itself.
    """
    first = error.errors(include_url=False)[0]
    place = ""
    for step in first["loc"]:
        name = step if isinstance(step, int) or step.isprintable() else repr(step)
        place += f"[{name}]" if isinstance(step, int) else f".{name}"
    # Readers know the document's words, not the names of our classes.
    reason = REASONS.get(first["type"])
    reason = reason or first["msg"].removeprefix("Value error, ")
    reason = f"{reason[0].lower()}{reason[1:]}"
    if not place and first["type"] == "value_error":
        return reason
    return f"{place.removeprefix('.') or 'document'}: {reason}"
