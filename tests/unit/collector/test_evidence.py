"""The evidence tree: every part can be proven, and nothing else."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quitus_collector.domain.evidence import (
    Commitment,
    Count,
    Evidence,
    EvidenceError,
    Kind,
    Part,
    Proof,
    Share,
    Step,
    check,
    check_proof,
)

GOLDEN = Path(__file__).parents[2] / "golden" / "evidence"
SEED = bytes(range(32))
OFFICE = Kind("microsoft/office/standard@2019", "device", Share.COVERED, "VL-1", "direct")
SQL = Kind("microsoft/sql-server/standard@2019", "core", Share.UNCOVERED)
kinds = st.builds(
    Kind,
    st.sampled_from(["a/b", "a/b@1", "é/c"]),
    st.just("device"),
    st.just(Share.COVERED),
    st.sampled_from(["E-1", "E-2"]),
    st.sampled_from(["direct", "downgrade"]),
) | st.builds(Kind, st.sampled_from(["a/b", "x/y"]), st.just("core"), st.just(Share.UNCOVERED))
parts = st.dictionaries(
    kinds,
    st.dictionaries(
        st.sampled_from([f"d-{n}" for n in range(12)]), st.integers(0, 64), min_size=1
    ).map(lambda found: [Part(*each) for each in found.items()]),
    min_size=1,
)


def all_proofs(evidence: Evidence) -> list[Proof]:
    devices = {part.device for members in evidence.parts.values() for part in members}
    return [proof for device in sorted(devices) for proof in evidence.proofs(device)]


@given(parts)
def test_every_part_is_proven_to_its_count(found: dict[Kind, list[Part]]) -> None:
    evidence = Evidence(found, SEED)
    proofs = all_proofs(evidence)

    check(evidence.commitment)
    counts = [check_proof(proof, evidence.commitment) for proof in proofs]

    assert len(proofs) == sum(len(members) for members in found.values())
    for proof, count in zip(proofs, counts, strict=True):
        assert count.installs == len(found[proof.kind])
        assert count.units == sum(part.units for part in found[proof.kind])


def flipped(text: str, bit: int) -> str:
    changed = bytearray.fromhex(text)
    changed[bit // 8 % len(changed)] ^= 1 << bit % 8
    return changed.hex()


def changes(proof: Proof, bit: int) -> list[Proof]:
    """The proof with one thing changed, in each way there is."""
    made = [
        replace(proof, root=flipped(proof.root, bit)),
        replace(proof, salt=flipped(proof.salt, bit)),
        replace(proof, part=proof.part._replace(units=proof.part.units ^ (1 << bit % 16))),
        replace(proof, part=proof.part._replace(device=proof.part.device + "0")),
        replace(proof, kind=proof.kind._replace(product=proof.kind.product + "0")),
        replace(proof, kind=proof.kind._replace(right="suite")),
    ]
    for at, step in enumerate(proof.path):
        for other in (
            step._replace(digest=flipped(step.digest, bit)),
            step._replace(side="left" if step.side == "right" else "right"),
            step._replace(installs=step.installs ^ (1 << bit % 16)),
            step._replace(units=step.units ^ (1 << bit % 16)),
        ):
            made.append(replace(proof, path=(*proof.path[:at], other, *proof.path[at + 1 :])))
        made.append(replace(proof, path=proof.path[:at] + proof.path[at + 1 :]))
    made.append(replace(proof, path=(*proof.path, Step("left", "00" * 32, 1, 1))))
    return made


@given(parts, st.integers(0, 255))
def test_any_change_of_a_proof_is_refused(found: dict[Kind, list[Part]], bit: int) -> None:
    evidence = Evidence(found, SEED)

    for proof in all_proofs(evidence)[:4]:
        for changed in changes(proof, bit):
            with pytest.raises(EvidenceError):
                check_proof(changed, evidence.commitment)


@given(parts, st.integers(0, 255))
def test_any_change_of_a_count_is_refused(found: dict[Kind, list[Part]], bit: int) -> None:
    commitment = Evidence(found, SEED).commitment
    first, *others = commitment.counts

    for count in (
        replace(first, installs=first.installs ^ (1 << bit % 16)),
        replace(first, units=first.units ^ (1 << bit % 16)),
        replace(first, tree=flipped(first.tree, bit)),
        replace(first, product=first.product + "0"),
        replace(first, metric="user"),
    ):
        with pytest.raises(EvidenceError):
            check(replace(commitment, counts=(count, *others)))


@given(parts)
def test_no_count_can_be_left_out_moved_or_said_twice(found: dict[Kind, list[Part]]) -> None:
    commitment = Evidence(found, SEED).commitment
    counts = commitment.counts
    made: list[tuple[Count, ...]] = [counts[1:], (*counts, counts[0])]
    if len(counts) > 1:
        made.append(tuple(reversed(counts)))

    for changed in made:
        with pytest.raises(EvidenceError):
            check(Commitment(commitment.root, changed))


def test_a_proof_for_another_device_is_refused() -> None:
    evidence = Evidence({OFFICE: [Part("d-1", 1), Part("d-2", 1), Part("d-3", 1)]}, SEED)
    (one,), (other,) = evidence.proofs("d-1"), evidence.proofs("d-2")

    with pytest.raises(EvidenceError, match="another device's"):
        check_proof(replace(one, part=other.part), evidence.commitment)


def test_a_proof_for_another_declaration_is_refused() -> None:
    parts = {OFFICE: [Part("d-1", 1)]}
    one, other = Evidence(parts, SEED), Evidence(parts, SEED[::-1])

    with pytest.raises(EvidenceError, match="another declaration"):
        check_proof(other.proofs("d-1")[0], one.commitment)


def test_a_proof_of_figures_that_no_fleet_has_is_refused() -> None:
    evidence = Evidence({OFFICE: [Part("d-1", 1)]}, SEED)
    (proof,) = evidence.proofs("d-1")
    huge = Step("left", "00" * 32, 2**63 - 1, 2**63 - 1)

    with pytest.raises(EvidenceError, match="no fleet"):
        check_proof(replace(proof, path=(huge,) * 3), evidence.commitment)


def test_a_proof_shows_no_other_device_and_no_other_product() -> None:
    evidence = Evidence(
        {OFFICE: [Part("d-1", 1), Part("d-2", 1)], SQL: [Part("d-1", 8), Part("d-3", 4)]}, SEED
    )

    shown = json.dumps(evidence.proofs("d-1")[0].document())

    assert "d-2" not in shown
    assert SQL.product not in shown
    assert SEED.hex() not in shown


def test_the_same_devices_look_otherwise_in_every_declaration() -> None:
    parts = {OFFICE: [Part("d-1", 1)]}

    one, other = Evidence(parts, SEED), Evidence(parts, SEED[::-1])

    assert one.commitment.counts[0].tree != other.commitment.counts[0].tree


def test_the_order_in_which_devices_are_found_does_not_matter() -> None:
    found = [Part(f"d-{n}", n) for n in range(7)]

    assert (
        Evidence({SQL: found, OFFICE: found}, SEED).commitment
        == Evidence({OFFICE: found[::-1], SQL: found}, SEED).commitment
    )


def test_who_has_nothing_has_no_proof_and_a_root_all_the_same() -> None:
    evidence = Evidence({}, SEED)

    check(evidence.commitment)

    assert evidence.proofs("d-1") == ()
    assert len(evidence.commitment.root) == 64


def test_the_formats_do_not_change() -> None:
    golden = json.loads((GOLDEN / "three-devices.json").read_text())
    evidence = Evidence(
        {
            OFFICE: [Part("d-1", 1), Part("d-2", 1), Part("poste-é", 1)],
            SQL: [Part("d-2", 8)],
        },
        SEED,
    )

    assert evidence.commitment.document() == golden["evidence"]
    assert [each.document() for each in all_proofs(evidence)] == golden["proofs"]
