"""The release of the agent that the company wants: made into a signed message, and read again."""

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import quote

from google.protobuf.message import DecodeError

from quitus.v1 import inventory_pb2
from quitus_collector.domain.agent_version import is_version
from quitus_collector.errors import CollectorError, UsageError

PREFIX = b"quitus agent release 1\0"
MAX_PACKAGES = 16
# Signs: the signature, then the certificates that vouch for it, DER.
Sign = Callable[[bytes], tuple[bytes, Sequence[bytes]]]


def make(version: str, packages: Sequence[Path], location: str, sign: Sign) -> bytes:
    """The signed message for packages that devices find below `location`; raises UsageError."""
    if not is_version(version):
        raise UsageError(f"{version!r} is not a version like 1.4.0")
    if not 0 < len(packages) <= MAX_PACKAGES:
        raise UsageError(f"an agent has 1 to {MAX_PACKAGES} packages")
    names = [each.name for each in packages]
    if len(set(names)) != len(names):
        raise UsageError("two packages have the same name")
    content = inventory_pb2.AgentOffer(
        version=version, packages=[_package(each, location) for each in packages]
    ).SerializeToString()
    signature, signers = sign(PREFIX + content)
    release = inventory_pb2.AgentRelease(offer=content, signature=signature, signers=signers)
    return release.SerializeToString()


def read(
    content: bytes, where: Path
) -> tuple[inventory_pb2.AgentRelease, inventory_pb2.AgentOffer]:
    """What a message says; raises CollectorError naming the file that it came from."""
    try:
        release = inventory_pb2.AgentRelease.FromString(content)
        offer = inventory_pb2.AgentOffer.FromString(release.offer)
    except DecodeError as error:
        raise CollectorError(f"{where}: is damaged; offer the agent again") from error
    if not offer.version:
        raise CollectorError(f"{where}: is damaged; offer the agent again")
    return release, offer


def _package(file: Path, location: str) -> inventory_pb2.AgentPackage:
    digest = hashlib.sha256()
    try:
        with file.open("rb") as opened:
            while piece := opened.read(1 << 20):
                digest.update(piece)
            size = opened.tell()
    except OSError as error:
        raise UsageError(f"{file}: {error.strerror}") from error
    if not size:
        raise UsageError(f"{file}: is empty")
    # A share of Windows has another separator than an address.
    share = location.startswith("\\\\")
    separator = "\\" if share else "/"
    name = file.name if share or "://" not in location else quote(file.name)
    place = f"{location.rstrip(separator)}{separator}{name}"
    return inventory_pb2.AgentPackage(
        name=file.name, location=place, sha256=digest.digest(), size_bytes=size
    )
