"""The catalogue as one signed file, to be carried to collectors that see no network.

A ZIP of the TOML files, with `manifest.json` (version, SHA-256 of each file) and its signature.
"""

import hashlib
import json
import os
import shutil
import tempfile
import zipfile
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    load_pem_private_key,
    load_pem_public_key,
)

from quitus_collector.adapters.catalogue import files as catalogue_files
from quitus_collector.errors import CatalogueError, UsageError

MANIFEST, SIGNATURE, VERSION = "manifest.json", "manifest.sig", "VERSION"
# Twenty times what the catalogue has today: more is no catalogue.
MAX_BYTES = 64 << 20


def pack(folder: Path, key: Path, out: Path) -> str:
    """Writes the bundle and returns its version; raises CatalogueError or UsageError."""
    catalogue = catalogue_files.load(folder)
    if not catalogue.version:
        raise UsageError(f"{folder}: has no file VERSION")
    private = _private_key(key)
    files = {path.name: path.read_bytes() for path in sorted(folder.glob("*.toml"))}
    files[VERSION] = f"{catalogue.version}\n".encode()
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    manifest = json.dumps({"version": catalogue.version, "files": digests}, indent=1).encode()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as bundle:
        bundle.writestr(MANIFEST, manifest)
        bundle.writestr(SIGNATURE, private.sign(manifest))
        for name, content in files.items():
            bundle.writestr(name, content)
    return catalogue.version


def unpack(bundle: Path, key: Path, folder: Path) -> str:
    """Puts a bundle in the folder's place, all of it or nothing; returns its version.

    Raises CatalogueError where the signature is not this key's, a file is not as it was signed,
    the rules cannot be read, or the folder holds a newer version.
    """
    files = _verified(bundle, _public_key(key))
    folder.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        for name, content in files.items():
            (beside / name).write_bytes(content)
        version = catalogue_files.load(beside).version
        present = catalogue_files.version(folder)
        if version_is_older(version, present):
            raise CatalogueError(f"{bundle}: is version {version}, older than {present} in use")
        before = beside.with_name(f"{beside.name}-before")
        if folder.exists():
            os.replace(folder, before)
        os.replace(beside, folder)
        shutil.rmtree(before, ignore_errors=True)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return version


def version_is_older(one: str, other: str) -> bool:
    """Whether a catalogue's version, numbers with dots, comes before another; empty is oldest."""
    return _numbers(one) < _numbers(other)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdecimal())


def _verified(bundle: Path, key: Ed25519PublicKey) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(bundle) as opened:
            if sum(each.file_size for each in opened.infolist()) > MAX_BYTES:
                raise CatalogueError(f"{bundle}: is larger than a catalogue can be")
            contents = {each.filename: opened.read(each) for each in opened.infolist()}
        manifest = contents.pop(MANIFEST)
        key.verify(contents.pop(SIGNATURE), manifest)
        digests = json.loads(manifest)["files"]
    except InvalidSignature as error:
        raise CatalogueError(f"{bundle}: is not signed with this key") from error
    except (OSError, zipfile.BadZipFile, KeyError, ValueError) as error:
        raise CatalogueError(f"{bundle}: is not a catalogue bundle") from error
    found = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    if found != digests or any("/" in name or "\\" in name for name in found):
        raise CatalogueError(f"{bundle}: its files are not those that were signed")
    return contents


def _private_key(path: Path) -> Ed25519PrivateKey:
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise UsageError(f"{path}: is not a private key in PEM") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise UsageError(f"{path}: is not an Ed25519 key")
    return key


def _public_key(path: Path) -> Ed25519PublicKey:
    try:
        key = load_pem_public_key(path.read_bytes())
    except (OSError, ValueError, UnsupportedAlgorithm) as error:
        raise UsageError(f"{path}: is not a public key in PEM") from error
    if not isinstance(key, Ed25519PublicKey):
        raise UsageError(f"{path}: is not an Ed25519 key")
    return key
