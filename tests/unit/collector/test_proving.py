"""Documents are kept once, whole, and nothing of them is lost without a trace."""

import os
import stat
from pathlib import Path

import pytest

from quitus_collector.adapters import document_folder
from quitus_collector.adapters.document_folder import DocumentFolder
from quitus_collector.domain.audit import Kind
from quitus_collector.domain.entitlement import Channel
from quitus_collector.domain.holding import Act
from quitus_collector.domain.proof import Proof, ProofKind, Strength, strength
from quitus_collector.errors import UsageError
from quitus_collector.services import proving
from quitus_collector.services.proving import Condition
from tests.builders import an_entitlement
from tests.fakes.clock import FakeClock
from tests.fakes.store import MemoryStore

ANNE = Act("operator anne", "doublon")


class World:
    def __init__(self, folder: Path) -> None:
        self.clock = FakeClock()
        self.store = MemoryStore(self.clock.now)
        self.folder = folder / "proofs"
        self.files = DocumentFolder(self.folder)
        self.invoice = folder / "facture 7.pdf"
        self.invoice.write_bytes(b"%PDF facture")
        with self.store.writing() as work:
            work.entitlements.add(an_entitlement("A"))
            work.entitlements.add(an_entitlement("B"))

    def attach(self, entitlement_id: str = "A", file: Path | None = None) -> Proof:
        return proving.add_proof(
            self.store,
            self.files,
            self.clock,
            file or self.invoice,
            entitlement_id,
            ProofKind.INVOICE,
            ANNE,
        )

    def conditions(self) -> list[Condition]:
        return [each.condition for each in proving.verify(self.store, self.files)]


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_a_document_is_kept_under_its_digest_for_its_owner_alone(world: World) -> None:
    proof = world.attach()

    kept = world.folder / proof.sha256
    assert kept.read_bytes() == b"%PDF facture"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert stat.S_IMODE(world.folder.stat().st_mode) == 0o700
    assert os.listdir(world.folder) == [proof.sha256]
    assert (proof.name, proof.size_bytes) == ("facture 7.pdf", 12)


def test_one_document_may_prove_several_lines_and_is_kept_once(world: World) -> None:
    world.attach("A")
    world.attach("B")

    assert len(os.listdir(world.folder)) == 1
    assert [each.entitlement for each in proving.proofs(world.store)] == ["A", "B"]
    with pytest.raises(UsageError, match="is attached to A already, as invoice"):
        world.attach("A")


@pytest.mark.parametrize("name", ["missing.pdf", "empty.pdf", "folder"])
def test_what_cannot_be_kept_leaves_nothing(world: World, tmp_path: Path, name: str) -> None:
    (tmp_path / "empty.pdf").write_bytes(b"")
    (tmp_path / "folder").mkdir()

    with pytest.raises(UsageError, match=name):
        world.attach(file=tmp_path / name)

    assert os.listdir(world.folder) == []
    assert proving.proofs(world.store) == []


def test_a_document_over_the_limit_is_refused(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(document_folder, "MAX_BYTES", 5)

    with pytest.raises(UsageError, match="is larger than"):
        world.attach()

    assert os.listdir(world.folder) == []


def test_a_line_that_is_not_there_keeps_no_document(world: World) -> None:
    with pytest.raises(UsageError, match="no entitlement has the id 'C'"):
        world.attach("C")

    assert not world.folder.exists()


def test_what_was_taken_off_stays_with_its_reason_and_its_file(world: World) -> None:
    proof = world.attach()

    proving.remove_proof(world.store, world.clock, proof.sha256[:8], "A", ANNE)

    assert proving.proofs(world.store) == []
    (gone,) = proving.proofs(world.store, removed=True)
    assert (gone.removed_by, gone.reason) == ("operator anne", "doublon")
    assert (world.folder / proof.sha256).exists()
    with world.store.reading() as work:
        kinds = [entry.event.kind for entry in work.audit.list()]
    assert kinds == [Kind.PROOF_ADDED, Kind.PROOF_REMOVED]


@pytest.mark.parametrize("digest", ["", "abc", "f" * 64])
def test_only_a_document_of_the_line_is_taken_off(world: World, digest: str) -> None:
    world.attach()

    with pytest.raises(UsageError, match="names no document of this line"):
        proving.remove_proof(world.store, world.clock, digest, "A", ANNE)


def test_a_changed_document_is_found(world: World) -> None:
    proof = world.attach()
    assert world.conditions() == [Condition.WHOLE]

    (world.folder / proof.sha256).write_bytes(b"%PDF Facture")
    assert world.conditions() == [Condition.DAMAGED]

    (world.folder / proof.sha256).unlink()
    assert world.conditions() == [Condition.DAMAGED]


def test_attaching_again_mends_a_damaged_document(world: World) -> None:
    proof = world.attach("A")
    (world.folder / proof.sha256).write_bytes(b"x")

    world.attach("B")

    assert world.conditions() == [Condition.WHOLE]


def test_a_document_that_proves_nothing_is_told(world: World) -> None:
    world.files.keep(world.invoice)

    assert world.conditions() == [Condition.UNUSED]


def test_documents_are_copied_out_under_their_names(world: World, tmp_path: Path) -> None:
    proof = world.attach()

    (file,) = proving.export(world.store, world.files, tmp_path / "out", "A")

    assert file.name == f"{proof.sha256[:12]}-facture 7.pdf"
    assert file.read_bytes() == b"%PDF facture"
    with pytest.raises(UsageError, match="exists already"):
        proving.export(world.store, world.files, tmp_path / "out", "A")
    with pytest.raises(UsageError, match="no document is attached to B"):
        proving.export(world.store, world.files, tmp_path / "out", "B")


def test_a_damaged_document_is_not_handed_out(world: World, tmp_path: Path) -> None:
    proof = world.attach()
    (world.folder / proof.sha256).write_bytes(b"x")

    with pytest.raises(UsageError, match="was changed"):
        proving.export(world.store, world.files, tmp_path / "out")


@pytest.mark.parametrize(
    ("channel", "kinds", "proven"),
    [
        (Channel.VOLUME, {ProofKind.AGREEMENT}, Strength.STRONG),
        (Channel.VOLUME, {ProofKind.CERTIFICATE}, Strength.WEAK),
        (Channel.OEM, {ProofKind.CERTIFICATE}, Strength.STRONG),
        (Channel.FULL_PACKAGE, {ProofKind.INVOICE}, Strength.STRONG),
        (Channel.USED, {ProofKind.INVOICE}, Strength.WEAK),
        (Channel.USED, {ProofKind.INVOICE, ProofKind.CHAIN_OF_TITLE}, Strength.STRONG),
        (Channel.UNSTATED, set(), Strength.NONE),
    ],
)
def test_documents_prove_as_much_as_the_way_of_buying_asks(
    channel: Channel, kinds: set[ProofKind], proven: Strength
) -> None:
    assert strength(an_entitlement(channel=channel), kinds) is proven
