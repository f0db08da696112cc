"""Package URLs: `pkg:type/namespace/name@version?arch=…` (ECMA-427)."""

import re

_UNSAFE = re.compile(rb"[^A-Za-z0-9._~:-]")


def purl(kind: str, namespace: str, name: str, version: str, **qualifiers: object) -> str:
    """A package URL; an empty namespace, version or qualifier is left out."""
    place = f"{_encoded(namespace)}/" if namespace else ""
    given = [f"{key}={value}" for key, value in sorted(qualifiers.items()) if value]
    tail = f"?{'&'.join(given)}" if given else ""
    at_version = f"@{_encoded(version)}" if version else ""
    return f"pkg:{kind}/{place}{_encoded(name)}{at_version}{tail}"


def _encoded(text: str) -> str:
    encoded = text.encode("utf-8", "surrogateescape")
    if not _UNSAFE.search(encoded):
        return text
    return _UNSAFE.sub(lambda found: b"%%%02X" % found[0][0], encoded).decode("ascii")
