"""The evidence tree: commits a declaration to every device's part in every count, and shows none.

A count is what one licence covers of a product under one right, or what nothing covers. Its tree
adds up from salted leaves, one a device; the root binds all counts. docs/declaration.md has the
formats, so that others can check them.
"""

import hmac
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from hashlib import sha256
from struct import Struct
from typing import NamedTuple

FORMAT = "quitus-evidence/1"
PROOF_FORMAT = "quitus-proof/1"
SEED_BYTES = 32
# What is hashed never has one meaning in two places (RFC 6962, 2.1).
LEAF, NODE, COUNT, ROOT = b"\x00", b"\x01", b"\x02", b"\x03"
MOST = 2**63
# What a node is the hash of: NODE, then hash, installs and units of both sides.
_TWO_SUMS = Struct(">c32sQQ32sQQ")


class EvidenceError(Exception):
    """What was shown does not belong to what was declared; the text says why.

    It is the `sentence`, whose {names} are filled in by `values`.
    """

    def __init__(self, sentence: str, **values: object) -> None:
        """The sentence is also the key of its translations."""
        super().__init__(sentence.format(**values))
        self.sentence, self.values = sentence, values


class Share(StrEnum):
    """What became of installs."""

    COVERED = "covered"
    UNCOVERED = "uncovered"
    UNDETERMINED = "undetermined"
    EXEMPT = "exempt"


class Kind(NamedTuple):
    """What is counted together; `entitlement` and `right` are empty unless it is covered.

    Of what is exempt, `entitlement` is the exemption.
    """

    product: str
    metric: str
    share: Share
    entitlement: str = ""
    right: str = ""


class Part(NamedTuple):
    """One device's part in a count: one install, which needs so many units of the metric.

    Units that one licence gives several devices, as a person's, are told by one of them.
    """

    device: str
    units: int


# A node: its hash, and how many installs and units are below it. No class: there are a million.
Sum = tuple[bytes, int, int]


@dataclass(frozen=True, slots=True)
class Count:
    """One count as the declaration states it; `tree` is the hash of its parts (hex)."""

    product: str
    metric: str
    share: Share
    entitlement: str
    right: str
    installs: int
    units: int
    tree: str

    @property
    def kind(self) -> Kind:
        """What is counted."""
        return Kind(self.product, self.metric, self.share, self.entitlement, self.right)


@dataclass(frozen=True, slots=True)
class Commitment:
    """What the declaration says of its evidence: every count, sorted, and their root (hex)."""

    root: str
    counts: tuple[Count, ...]

    def document(self) -> dict[str, object]:
        """As JSON has it."""
        return {
            "format": FORMAT,
            "root": self.root,
            "counts": [asdict(each) for each in self.counts],
        }


class Step(NamedTuple):
    """The neighbour on the way up: on which side it is, and what it sums up (`digest` is hex)."""

    side: str
    digest: str
    installs: int
    units: int


@dataclass(frozen=True, slots=True)
class Proof:
    """That a device has its part in a count; `root` is of the declaration, `salt` is hex."""

    root: str
    kind: Kind
    part: Part
    salt: str
    path: tuple[Step, ...]

    def document(self) -> dict[str, object]:
        """As JSON has it."""
        return {
            "format": PROOF_FORMAT,
            "root": self.root,
            **self.kind._asdict(),
            **self.part._asdict(),
            "salt": self.salt,
            "path": [each._asdict() for each in self.path],
        }


class Evidence:
    """Every device's part in every count, kept by the company; who has it can prove any of them."""

    def __init__(self, parts: Mapping[Kind, Iterable[Part]], seed: bytes) -> None:
        """`seed` is 32 random bytes that stay secret: the salts come from it."""
        if len(seed) != SEED_BYTES:
            raise ValueError(f"the seed of the salts has {len(seed)} bytes instead of {SEED_BYTES}")
        self.seed = seed
        self.parts = {kind: tuple(sorted(parts[kind])) for kind in sorted(parts) if parts[kind]}
        # Trees are not kept: a proof makes its one again, and half a million parts take memory.
        counts = tuple(_count(kind, self._tree(kind)[-1][0]) for kind in self.parts)
        self.commitment = Commitment(root_of(counts), counts)

    def proofs(self, device: str) -> tuple[Proof, ...]:
        """A proof for each count that the device has a part in, sorted; each shows that one."""
        return tuple(
            self._proof(kind, part)
            for kind, members in self.parts.items()
            for part in members
            if part.device == device
        )

    def _proof(self, kind: Kind, part: Part) -> Proof:
        salt = self._salt(kind, part.device)
        levels = self._tree(kind)
        at = levels[0].index(leaf(kind, part, salt))
        path = []
        for level in levels[:-1]:
            neighbour = at ^ 1
            if neighbour < len(level):
                digest, installs, units = level[neighbour]
                side = "left" if neighbour < at else "right"
                path.append(Step(side, digest.hex(), installs, units))
            at //= 2
        return Proof(self.commitment.root, kind, part, salt.hex(), tuple(path))

    def _tree(self, kind: Kind) -> list[list[Sum]]:
        # What parts have in common is encoded once: there may be half a million of them.
        before, after = _fields(*kind[:2]), _fields(*kind[2:])
        ends: dict[int, bytes] = {}
        leaves = []
        for device, units in self.parts[kind]:
            if units not in ends:
                ends[units] = after + _fields(str(units))
            encoded = device.encode()
            about = len(encoded).to_bytes(4, "big") + encoded + before
            salt = hmac.digest(self.seed, about, "sha256")
            leaves.append((sha256(LEAF + salt + about + ends[units]).digest(), 1, units))
        leaves.sort()
        return _levels(leaves)

    def _salt(self, kind: Kind, device: str) -> bytes:
        return hmac.digest(self.seed, _fields(device, *kind[:2]), "sha256")


def leaf(kind: Kind, part: Part, salt: bytes) -> Sum:
    """A device's part as a leaf of its count's tree."""
    content = LEAF + salt + _fields(part.device, *kind, str(part.units))
    return sha256(content).digest(), 1, part.units


def root_of(counts: Sequence[Count]) -> str:
    """The root over counts in their order, hex; the order and every figure are bound by it."""
    level = [_count_digest(each) for each in counts] or [sha256(ROOT).digest()]
    while len(level) > 1:
        paired = [
            sha256(ROOT + level[at] + level[at + 1]).digest() for at in range(0, len(level) - 1, 2)
        ]
        level = paired + level[len(level) - len(level) % 2 :]
    return level[0].hex()


def check(commitment: Commitment) -> None:
    """Raises EvidenceError where the root is not that of the counts, or the counts are no counts.

    Each kind is counted once, and no figure is below zero.
    """
    kinds = [each.kind for each in commitment.counts]
    if len(set(kinds)) < len(kinds):
        raise EvidenceError("a count is stated twice")
    if any(not (0 < each.installs < MOST and 0 <= each.units < MOST) for each in commitment.counts):
        raise EvidenceError("a count is not a number of devices")
    if root_of(commitment.counts) != commitment.root:
        raise EvidenceError(
            "the counts are not those that the root of the evidence tree was made of"
        )


def check_proof(proof: Proof, commitment: Commitment) -> Count:
    """The count that the device has its part in; raises EvidenceError where it is not proven."""
    if proof.root != commitment.root:
        raise EvidenceError("the proof belongs to another declaration: its root is not this one's")
    found = next((each for each in commitment.counts if each.kind == proof.kind), None)
    if found is None:
        raise EvidenceError(
            "the declaration has no such count of {product}", product=proof.kind.product
        )
    salt = bytes.fromhex(proof.salt)
    figures = [proof.part.units, *(n for step in proof.path for n in (step.installs, step.units))]
    if len(salt) != SEED_BYTES or any(not 0 <= number < MOST for number in figures):
        raise EvidenceError("the proof has figures that no device can have")
    node = leaf(proof.kind, proof.part, salt)
    for step in proof.path:
        other = bytes.fromhex(step.digest), step.installs, step.units
        node = _above(other, node) if step.side == "left" else _above(node, other)
        if max(node[1:]) >= MOST:
            raise EvidenceError("the proof has figures that no fleet can have")
    if _count(proof.kind, node) != found:
        raise EvidenceError(
            "the proof does not lead to the count of {product}: it is another device's, or was "
            "changed",
            product=proof.kind.product,
        )
    return found


def _levels(leaves: Sequence[Sum]) -> list[list[Sum]]:
    """From the leaves up to the top; the last of an odd level goes up as it is (RFC 6962's)."""
    levels = [list(leaves)]
    while len(level := levels[-1]) > 1:
        above = [*map(_above, level[::2], level[1::2])]
        levels.append(above + level[len(level) - len(level) % 2 :])
    return levels


def _above(left: Sum, right: Sum) -> Sum:
    (one, installs, units), (other, more_installs, more_units) = left, right
    content = _TWO_SUMS.pack(NODE, one, installs, units, other, more_installs, more_units)
    return sha256(content).digest(), installs + more_installs, units + more_units


def _count(kind: Kind, top: Sum) -> Count:
    digest, installs, units = top
    return Count(*kind, installs, units, digest.hex())


def _count_digest(count: Count) -> bytes:
    content = _fields(*count.kind, str(count.installs), str(count.units))
    return sha256(COUNT + content + bytes.fromhex(count.tree)).digest()


def _fields(*texts: str) -> bytes:
    """Texts one behind the other, each behind its length: no two lists of texts give the same."""
    encoded = [text.encode() for text in texts]
    return b"".join(len(each).to_bytes(4, "big") + each for each in encoded)
