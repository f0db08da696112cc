import zipfile
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from quitus_collector.adapters.catalogue import bundle as catalogue_bundle
from quitus_collector.adapters.catalogue import files as catalogue_files
from quitus_collector.cli import main
from quitus_collector.errors import CatalogueError, UsageError
from quitus_collector.wiring.collector import UPDATED_RULES, catalogue_of

ACME = """
publisher = "acme"
label = "Acme"
known_as = ["Acme"]

[[product]]
id = "acme/tool"
label = "Tool"
names = ["Tool"]
"""


@pytest.fixture
def keys(tmp_path: Path) -> tuple[Path, Path]:
    """A private key and its public one, in files."""
    key = Ed25519PrivateKey.generate()
    private, public = tmp_path / "key.pem", tmp_path / "key.pub"
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    public.write_bytes(
        key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )
    return private, public


def a_bundle(folder: Path, key: Path, version: str = "2099.1", text: str = ACME) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "acme.toml").write_text(text)
    (folder / "VERSION").write_text(version)
    out = folder.with_suffix(".zip")
    assert catalogue_bundle.pack(folder, key, out) == version
    return out


def test_a_bundle_brings_its_rules_to_a_collector_that_sees_no_network(
    tmp_path: Path, keys: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    private, public = keys
    a_bundle(tmp_path / "new", private)
    home = tmp_path / "home"
    command = ["--home", str(home), "catalogue"]

    pack = ["pack", str(tmp_path / "new"), "--key", str(private), "--out", str(tmp_path / "b.zip")]
    assert main([*command, *pack]) == 0
    assert main([*command, "update", str(tmp_path / "b.zip"), "--key", str(public)]) == 0

    assert "version 2099.1" in capsys.readouterr().out
    assert set(catalogue_of(home).products) == {"acme/tool"}


def test_an_older_bundle_than_the_shipped_rules_is_not_used(
    tmp_path: Path, keys: tuple[Path, Path]
) -> None:
    bundle = a_bundle(tmp_path / "new", keys[0], version="2001.1")
    catalogue_bundle.unpack(bundle, keys[1], tmp_path / "home" / UPDATED_RULES)

    assert catalogue_of(tmp_path / "home").version == catalogue_files.load().version


def test_a_bundle_replaces_the_rules_in_use_only_when_it_is_newer(
    tmp_path: Path, keys: tuple[Path, Path]
) -> None:
    private, public = keys
    folder = tmp_path / "rules"
    catalogue_bundle.unpack(a_bundle(tmp_path / "v2", private, version="2.10"), public, folder)

    with pytest.raises(CatalogueError, match=r"older than 2\.10"):
        catalogue_bundle.unpack(a_bundle(tmp_path / "v1", private, version="2.9"), public, folder)
    newer = a_bundle(tmp_path / "v3", private, version="3", text=ACME.replace("Tool", "Kit"))
    assert catalogue_bundle.unpack(newer, public, folder) == "3"

    assert catalogue_files.load(folder).products["acme/tool"].label == "Kit"
    assert [path.name for path in tmp_path.glob(".rules-*")] == []


def test_a_bundle_that_was_changed_or_signed_by_another_is_refused(
    tmp_path: Path, keys: tuple[Path, Path]
) -> None:
    bundle = a_bundle(tmp_path / "new", keys[0])
    other = Ed25519PrivateKey.generate().public_key()
    (tmp_path / "other.pub").write_bytes(
        other.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )

    with pytest.raises(CatalogueError, match="not signed with this key"):
        catalogue_bundle.unpack(bundle, tmp_path / "other.pub", tmp_path / "rules")
    with zipfile.ZipFile(bundle, "a") as opened:
        opened.writestr("more.toml", ACME)
    with pytest.raises(CatalogueError, match="not those that were signed"):
        catalogue_bundle.unpack(bundle, keys[1], tmp_path / "rules")
    bundle.write_bytes(b"no zip")
    with pytest.raises(CatalogueError, match="is not a catalogue bundle"):
        catalogue_bundle.unpack(bundle, keys[1], tmp_path / "rules")

    assert not (tmp_path / "rules").exists()


def test_rules_that_cannot_be_read_are_not_put_in_place(
    tmp_path: Path, keys: tuple[Path, Path]
) -> None:
    bundle = a_bundle(tmp_path / "new", keys[0])
    (tmp_path / "new" / "VERSION").unlink()

    with pytest.raises(UsageError, match="no file VERSION"):
        catalogue_bundle.pack(tmp_path / "new", keys[0], bundle)


def test_keys_of_other_kinds_are_refused(tmp_path: Path, keys: tuple[Path, Path]) -> None:
    bundle = a_bundle(tmp_path / "new", keys[0])
    key = generate_private_key(SECP256R1())
    (tmp_path / "ec.pem").write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    (tmp_path / "ec.pub").write_bytes(
        key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )

    with pytest.raises(UsageError, match="is not an Ed25519 key"):
        catalogue_bundle.pack(tmp_path / "new", tmp_path / "ec.pem", bundle)
    with pytest.raises(UsageError, match="is not an Ed25519 key"):
        catalogue_bundle.unpack(bundle, tmp_path / "ec.pub", tmp_path / "rules")
    with pytest.raises(UsageError, match="is not a private key in PEM"):
        catalogue_bundle.pack(tmp_path / "new", bundle, bundle)
    with pytest.raises(UsageError, match="is not a public key in PEM"):
        catalogue_bundle.unpack(bundle, tmp_path / "absent", tmp_path / "rules")
