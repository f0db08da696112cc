"""Product ids: `publisher/family[/edition][@version]`, and how their versions are ordered."""

import re

ID_PATTERN = re.compile(
    r"(?P<publisher>[a-z0-9][a-z0-9.+-]*)(?:/[a-z0-9][a-z0-9.+-]*){1,2}(?:@[a-z0-9][a-z0-9.-]*)?"
)
_RUN = re.compile(r"(\d+)|([a-z]+)")

# For each run: digits or letters, the length of the number, the run itself.
VersionKey = tuple[tuple[bool, int, str], ...]


def is_product_id(text: str) -> bool:
    """Whether the text has the form of a product id."""
    return ID_PATTERN.fullmatch(text) is not None


def line_of(product: str) -> str:
    """The product without its version: what is sold under one name through all versions."""
    return product.partition("@")[0]


def version_of(product: str) -> str:
    """The version that the licence is sold for; empty where the product has none."""
    return product.partition("@")[2]


def publisher_of(product: str) -> str:
    """The publisher's short name."""
    return product.partition("/")[0]


def version_key(version: str) -> VersionKey:
    """Orders versions by runs of digits and letters; a longer version is higher (2012 < 2012r2).

    Digits compare as numbers and stand above letters, so that a year follows a name (cs6 < 2015).
    """
    return tuple(
        (True, len(number := digits.lstrip("0")), number) if digits else (False, 0, letters)
        for digits, letters in _RUN.findall(version.lower())
    )


def version_label(version: str) -> str:
    """The version as people write it: `cs6` is CS6, `2012r2` is 2012 R2, `r2023b` is R2023b."""
    spaced = re.sub(r"(?<=\d)r(?=\d)", " R", version)
    return re.sub(r"^[a-z]+", lambda letters: letters[0].upper(), spaced)


def family_of(product: str) -> str:
    """The product line without its edition: `publisher/family`."""
    return "/".join(line_of(product).split("/")[:2])


def compare_versions(version: str, other: str) -> int | None:
    """Below 0 where the first is lower, 0 where they are the same, above 0 where it is higher.

    A product without versions matches only itself: None where one has a version, the other none.
    """
    if not version or not other:
        return 0 if version == other else None
    one, two = version_key(version), version_key(other)
    return (one > two) - (one < two)


def is_lower_version(product: str, of: str) -> bool:
    """Whether `product` is a lower version of the same product as `of`."""
    order = compare_versions(version_of(product), version_of(of))
    return line_of(product) == line_of(of) and order is not None and order < 0
