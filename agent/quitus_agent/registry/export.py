"""Registry keys from a `.reg` export, as regedit and `reg export` write it."""

import re
from collections.abc import Iterator

from quitus_agent.errors import SourceError
from quitus_agent.registry import MAX_VALUE_BYTES, Value

HEADERS = ("Windows Registry Editor Version 5.00", "REGEDIT4")
_VALUE = re.compile(r'(?:@|"(?P<name>(?:[^"\\]|\\.)*)")=(?P<data>.*)', re.DOTALL)
_HEX = re.compile(r"hex(?:\((?P<type>[0-9a-f]+)\))?:(?P<bytes>.*)", re.DOTALL)
# As many as a value that may be wanted has in hexadecimal, and its name.
MAX_VALUE_LETTERS = 4 * MAX_VALUE_BYTES
REG_SZ, REG_EXPAND_SZ, REG_MULTI_SZ, REG_QWORD = 0x1, 0x2, 0x7, 0xB


class MemoryKey:
    """A key held in memory; implements registry.Key."""

    def __init__(self, name: str) -> None:
        """Starts empty."""
        self.name = name
        self._subkeys: dict[str, MemoryKey] = {}
        self._values: dict[str, tuple[str, Value]] = {}

    def subkeys(self) -> Iterator["MemoryKey"]:
        """The keys directly below."""
        yield from self._subkeys.values()

    def subkey(self, path: str) -> "MemoryKey | None":
        """The key at a relative path, or None."""
        key: MemoryKey | None = self
        for name in path.split("\\"):
            key = key._subkeys.get(name.casefold()) if key else None
        return key

    def value_names(self) -> Iterator[str]:
        """The names of its values."""
        yield from (name for name, _ in self._values.values())

    def value(self, name: str) -> Value | None:
        """One value, or None."""
        _, value = self._values.get(name.casefold(), (name, None))
        return value

    def make(self, path: str) -> "MemoryKey":
        """The key at a relative path, made where it is not there yet."""
        key = self
        for name in path.split("\\"):
            key = key._subkeys.setdefault(name.casefold(), MemoryKey(name))
        return key

    def set(self, name: str, value: Value) -> None:
        """Sets a value."""
        self._values[name.casefold()] = (name, value)


def parse(text: str) -> MemoryKey:
    """The keys of an export, below a root that holds HKEY_LOCAL_MACHINE and the like.

    Raises SourceError naming the line. Keys that an export would delete are left out.
    """
    root = MemoryKey("")
    key: MemoryKey | None = None
    lines = text.split("\n")
    heading = lines[0].strip().lstrip("\ufeff")
    if heading not in HEADERS:
        raise SourceError("line 1 is not the heading of a registry export")
    # Windows 95 to NT wrote the bytes of texts in their own code page.
    encoding = "cp1252" if heading == HEADERS[1] else "utf-16-le"
    for number, line in _logical_lines(lines):
        if line.startswith("["):
            if not line.endswith("]"):
                raise SourceError(f"line {number}: a key name that does not end")
            key = None if line.startswith("[-") else root.make(line[1:-1])
        elif key is not None:
            found = _VALUE.fullmatch(line)
            if not found:
                raise SourceError(f'line {number} is not "name"=value')
            value = _value(found["data"], number, encoding)
            if value is not None:
                key.set(_unescaped(found["name"] or ""), value)
    return root


def decode(content: bytes) -> str:
    r"""UTF-16 with or without its mark, else UTF-8, else Windows-1252; lines end in \n."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = content.decode("utf-16", errors="replace")
    elif content[1:2] == b"\0" and content[3:4] == b"\0":
        text = content.decode("utf-16-le", errors="replace")
    else:
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = content.decode("cp1252", errors="replace")
    # wmic ends its lines with \r\r\n.
    return text.replace("\r\r\n", "\n").replace("\r\n", "\n").replace("\r", "\n")


def _logical_lines(lines: list[str]) -> Iterator[tuple[int, str]]:
    """Lines with their numbers, continued ones joined, comments and empty ones left out.

    Those of a value that is too long to be wanted are left out too.
    """
    parts: list[str] = []
    length, start, is_open = 0, 0, False
    for number, line in enumerate(lines[1:], start=2):
        if not parts:
            length, start = 0, number
            if not line.strip() or line.lstrip().startswith(";"):
                continue
        part = line if is_open else line.strip()
        is_open = _leaves_open(part, is_open=is_open, is_first=not parts)
        goes_on = part.endswith("\\") and not (parts or [part])[0].startswith("[")
        length += len(part)
        if length <= MAX_VALUE_LETTERS or not parts:
            parts.append(f"{part}\n" if is_open else part[:-1] if goes_on else part)
        if not is_open and not goes_on:
            if length <= MAX_VALUE_LETTERS:
                yield start, "".join(parts)
            parts = []
    if parts:
        raise SourceError(f"line {start}: a value that does not end")


def _leaves_open(part: str, *, is_open: bool, is_first: bool) -> bool:
    """Whether a quoted value goes on in the next line: texts may contain line breaks."""
    if not is_open:
        _, equals, data = part.partition("=")
        if not is_first or not equals or not data.startswith('"'):
            return False
        part = data[1:]
    closed = part.rstrip()
    body = closed[:-1]
    escapes = len(body) - len(body.rstrip("\\"))
    return not closed.endswith('"') or escapes % 2 == 1


def _value(data: str, number: int, encoding: str) -> Value | None:
    data = data.strip()
    try:
        if data.startswith('"'):
            return _unescaped(data[1:-1]) if len(data) <= MAX_VALUE_BYTES else None
        if data.startswith("dword:"):
            return int(data.removeprefix("dword:"), 16)
        if found := _HEX.fullmatch(data):
            content = bytes.fromhex(found["bytes"].replace(",", " "))
            return typed(int(found["type"] or "3", 16), content, encoding)
    except ValueError as error:
        raise SourceError(f"line {number}: {data[:40]!r} is not a value") from error
    return None


def typed(kind: int, content: bytes, encoding: str = "utf-16-le") -> Value | None:
    """Bytes as the value that their registry type says; None where they are too long."""
    if len(content) > MAX_VALUE_BYTES:
        return None
    if kind in (REG_SZ, REG_EXPAND_SZ):
        # Windows shows a text as far as its first NUL; what follows is left over from others.
        return content.decode(encoding, errors="replace").partition("\0")[0]
    if kind == REG_MULTI_SZ:
        return [each for each in content.decode(encoding, errors="replace").split("\0") if each]
    if kind in (0x4, REG_QWORD):
        return int.from_bytes(content, "little")
    return content


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL)
