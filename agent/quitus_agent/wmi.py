"""WMI's list format: `Name=value` lines, empty lines between rows."""

from collections.abc import Iterator


def rows(listing: str) -> Iterator[dict[str, str]]:
    """Each row as a mapping from property to value."""
    row: dict[str, str] = {}
    for line in [*listing.split("\n"), ""]:
        name, equals, value = line.partition("=")
        if equals:
            row[name.strip()] = value.strip()
        elif not line.strip() and row:
            yield row
            row = {}
