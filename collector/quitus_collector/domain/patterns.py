r"""Name patterns: so small a part of regular expressions that two can be compared exactly.

Characters, `.`, `\d`, `\S`, classes, groups, `|` and repetitions: a pattern is matched by Python's
`re`, and read here as an automaton to tell whether two patterns have a text in common.
"""

import re
import unicodedata
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

DIGITS = frozenset("0123456789")
# What no pattern writes: stands for every character that the patterns at hand do not name.
OTHER = "□"
# How many ways to begin a pattern may have before they are no longer told apart.
MAX_BEGINNINGS = 48
MAX_STATES = 50_000


class PatternError(ValueError):
    """The text is not a pattern; the message says why."""


@dataclass(frozen=True, slots=True)
class Characters:
    """One character: one of these, or any but these."""

    of: frozenset[str]
    negated: bool = False

    def has(self, character: str) -> bool:
        """Whether it may be this one, in lower case."""
        return (character in self.of) != self.negated


@dataclass(frozen=True, slots=True)
class Sequenced:
    """One part after the other."""

    parts: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Either:
    """Any one of the parts."""

    parts: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Repeated:
    """The part so many times; no upper bound where `most` is None."""

    part: "Node"
    least: int
    most: int | None


Node = Characters | Sequenced | Either | Repeated
ANY = Characters(frozenset(), negated=True)


@dataclass(frozen=True)
class Pattern:
    """A pattern that stands for whole texts, whatever their case and accents."""

    text: str

    @cached_property
    def tree(self) -> Node:
        """How the pattern is built; raises PatternError."""
        return _read(without_accents(self.text))

    @cached_property
    def compiled(self) -> re.Pattern[str]:
        """For `fullmatch` on a text without accents."""
        return re.compile(without_accents(self.text), re.IGNORECASE)

    @cached_property
    def automaton(self) -> "Automaton":
        """The pattern as states."""
        return Automaton(self.tree)

    @cached_property
    def is_broad(self) -> bool:
        """Whether it leaves a part of the text open (`.*`)."""
        return any(
            isinstance(node, Repeated) and node.most is None and node.part == ANY
            for node in _nodes(self.tree)
        )

    @cached_property
    def sample(self) -> str:
        """A shortest text that it matches."""
        return witness([self]) or ""

    @cached_property
    def only_text(self) -> str:
        """The text that it stands for, in lower case, if that is only one; empty otherwise."""
        beginnings = _beginnings(self.tree)
        return (
            next(iter(beginnings))[0]
            if beginnings and all(w for _, w in beginnings) and (len(beginnings) == 1)
            else ""
        )

    @cached_property
    def groups(self) -> frozenset[str]:
        """The names of its groups."""
        return frozenset(_GROUP.findall(self.text))

    @cached_property
    def beginnings(self) -> frozenset[tuple[str, ...]]:
        """The whole words, at most three, that every text of the pattern begins with one row of."""
        return frozenset(
            tuple((text.split(" ") if is_whole else text.split(" ")[:-1])[:3])
            for text, is_whole in _beginnings(self.tree)
        )


def witness(required: Sequence[Pattern], forbidden: Sequence[Pattern] = ()) -> str | None:
    """A shortest text that all of `required` match and none of `forbidden`; None if there is none.

    Raises PatternError if that takes more states than are reasonable.
    """
    automata = [each.automaton for each in (*required, *forbidden)]
    needed = len(required)
    start = tuple(each.start for each in automata)
    seen = {start}
    queue = deque([(start, "")])
    while queue:
        at, text = queue.popleft()
        ends = [each.final in states for each, states in zip(automata, at, strict=True)]
        if all(ends[:needed]) and not any(ends[needed:]):
            return text
        for character in _alphabet(automata, at):
            to = tuple(
                each.after(states, character) for each, states in zip(automata, at, strict=True)
            )
            if all(to[:needed]) and to not in seen:
                seen.add(to)
                queue.append((to, text + character))
        if len(seen) > MAX_STATES:
            raise PatternError(f"{required[0].text!r} is too intricate to be compared")
    return None


def without_accents(text: str) -> str:
    """É is E: names are written with and without."""
    if text.isascii():
        return text
    decomposed = unicodedata.normalize("NFKD", text)
    return unicodedata.normalize(
        "NFC", "".join(each for each in decomposed if not unicodedata.combining(each))
    )


class Automaton:
    """The states of a pattern: those without a character to read are passed through."""

    def __init__(self, tree: Node) -> None:
        """Numbers the states: 0 is the first."""
        self._reads: list[tuple[Characters, int] | None] = [None]
        self._passes: list[list[int]] = [[]]
        self._known: dict[tuple[frozenset[int], str], frozenset[int]] = {}
        self.final = self._add(tree, 0)
        self.start = self._through([0])

    def after(self, states: frozenset[int], character: str) -> frozenset[int]:
        """Where a character leads from any of the states."""
        key = (states, character)
        if key not in self._known:
            reads = (self._reads[state] for state in states)
            self._known[key] = self._through(
                target for each, target in filter(None, reads) if each.has(character)
            )
        return self._known[key]

    def named(self, states: frozenset[int]) -> frozenset[str]:
        """The characters that the states tell from others."""
        return frozenset(
            character
            for read in (self._reads[state] for state in states)
            if read
            for character in read[0].of
        )

    def _new(self) -> int:
        self._reads.append(None)
        self._passes.append([])
        return len(self._reads) - 1

    def _through(self, states: Iterable[int]) -> frozenset[int]:
        found, waiting = set[int](), list(states)
        while waiting:
            state = waiting.pop()
            if state not in found:
                found.add(state)
                waiting.extend(self._passes[state])
        return frozenset(found)

    def _add(self, node: Node, start: int) -> int:
        """Adds the node's states after `start`; returns its last one."""
        match node:
            case Characters():
                end = self._new()
                # A state reads one thing: what may be read here starts in a state of its own.
                reader = self._new()
                self._passes[start].append(reader)
                self._reads[reader] = (node, end)
                return end
            case Sequenced(parts):
                for part in parts:
                    start = self._add(part, start)
                return start
            case Either(parts):
                end = self._new()
                for part in parts:
                    branch = self._new()
                    self._passes[start].append(branch)
                    self._passes[self._add(part, branch)].append(end)
                return end
            case Repeated(part, least, most):
                for _ in range(least):
                    start = self._add(part, start)
                end = self._new()
                self._passes[start].append(end)
                if most is None:
                    again = self._new()
                    self._passes[start].append(again)
                    last = self._add(part, again)
                    self._passes[last].extend((again, end))
                    return end
                for _ in range(most - least):
                    start = self._add(part, start)
                    self._passes[start].append(end)
                return end


def _alphabet(automata: Sequence[Automaton], at: Sequence[frozenset[int]]) -> list[str]:
    named = {
        character
        for each, states in zip(automata, at, strict=True)
        for character in each.named(states)
    }
    return [*sorted(named), OTHER]


def _nodes(node: Node) -> Iterator[Node]:
    yield node
    match node:
        case Sequenced(parts) | Either(parts):
            for part in parts:
                yield from _nodes(part)
        case Repeated(part):
            yield from _nodes(part)


def _beginnings(node: Node) -> set[tuple[str, bool]]:
    """Texts that the node may begin with, and whether each is a whole text of it."""
    match node:
        case Characters(of, negated):
            return {("", False)} if negated or len(of) > 3 else {(each, True) for each in of}
        case Either(parts):
            found = set().union(*map(_beginnings, parts))
            return found if len(found) <= MAX_BEGINNINGS else {("", False)}
        case Repeated(part, least, most):
            once = _beginnings(part) if least or most == 1 else {("", False)}
            if most != 1:
                once = {(text, False) for text, _ in once}
            return once if least else once | {("", True)}
        case Sequenced(parts):
            found = {("", True)}
            for part in parts:
                longer = {
                    (text + more, is_whole)
                    for text, goes_on in found
                    if goes_on
                    for more, is_whole in _beginnings(part)
                } | {each for each in found if not each[1]}
                if len(longer) > MAX_BEGINNINGS:
                    return {(text, False) for text, _ in found}
                found = longer
            return found


_TIMES = re.compile(r"\{(\d+)(,(\d*))?\}")
# Characters that stand for themselves, and once: names are made of little else.
_PLAIN = re.compile(r"(?:[^\\.\[(|)?*+^${](?![?*+{]))+", re.DOTALL)
_OPENED = re.compile(r"\?(?::|P<[a-z_]+>)")
_GROUP = re.compile(r"\(\?P<([a-z_]+)>")


@lru_cache(maxsize=8192)
def _read(text: str) -> Node:
    return _Reader(text).pattern()


@lru_cache(maxsize=1024)
def _only(character: str) -> Characters:
    """This character alone: most of what patterns are made of, so each is made once."""
    return Characters(frozenset(character.lower()[:1]))


class _Reader:
    """Reads a pattern's text from left to right."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def pattern(self) -> Node:
        node = self._either()
        if self._at < len(self._text):
            raise PatternError("a bracket is closed that was not opened")
        return node

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _take(self, expected: str = "") -> str:
        found = self._peek()
        if not found or (expected and found != expected):
            raise PatternError(f"{expected or 'something'} is missing at the end")
        self._at += 1
        return found

    def _either(self) -> Node:
        parts = [self._sequence()]
        while self._peek() == "|":
            self._take()
            parts.append(self._sequence())
        return parts[0] if len(parts) == 1 else Either(tuple(parts))

    def _sequence(self) -> Node:
        parts: list[Node] = []
        while self._peek() not in ("", "|", ")"):
            if plain := _PLAIN.match(self._text, self._at):
                self._at = plain.end()
                parts += map(_only, plain[0])
            else:
                parts.append(self._repeated(self._atom()))
        return Sequenced(tuple(parts))

    def _repeated(self, node: Node) -> Node:
        bounds = {"?": (0, 1), "*": (0, None), "+": (1, None)}
        if self._peek() in bounds and self._peek():
            least, most = bounds[self._take()]
        elif found := _TIMES.match(self._text, self._at):
            self._at = found.end()
            least = int(found[1])
            most = least if found[2] is None else int(found[3]) if found[3] else None
        else:
            return node
        if self._peek() in ("?", "+", "*") and self._peek():
            raise PatternError("one repetition follows another")
        return Repeated(node, least, most)

    def _atom(self) -> Node:
        character = self._take()
        match character:
            case ".":
                return ANY
            case "\\":
                return self._escaped()
            case "[":
                return self._class()
            case "(":
                return self._group()
            case "?" | "*" | "+" | "^" | "$":
                raise PatternError(f"{character} has no meaning here")
        return _only(character)

    def _escaped(self) -> Characters:
        character = self._take()
        if character == "d":
            return Characters(DIGITS)
        if character == "S":
            return Characters(frozenset(" "), negated=True)
        if character.isalnum():
            raise PatternError(f"\\{character} is not understood")
        return Characters(frozenset(character))

    def _group(self) -> Node:
        if self._peek() == "?":
            opened = _OPENED.match(self._text, self._at)
            if not opened:
                raise PatternError("groups are (…), (?:…) or (?P<name>…)")
            self._at = opened.end()
        node = self._either()
        self._take(")")
        return node

    def _class(self) -> Characters:
        negated = self._peek() == "^"
        if negated:
            self._take()
        found: set[str] = set()
        while (character := self._take()) != "]":
            if character == "\\":
                found |= self._escaped().of
            elif self._peek() == "-" and self._text[self._at + 1 : self._at + 2] not in ("]", ""):
                self._take()
                last = self._take()
                found |= {chr(code).lower() for code in range(ord(character), ord(last) + 1)}
            else:
                found.add(character.lower())
        return Characters(frozenset(found), negated)
