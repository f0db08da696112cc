"""The wire of earlier releases: their message classes, made from the .proto files as they were."""

import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from grpc_tools import _protoc_compiler, protoc

FOLDER = Path(__file__).parent / "contract" / "released"
RELEASES: Sequence[str] = sorted(each.name for each in FOLDER.iterdir() if each.is_dir())
PRESENT = Path(__file__).parents[1] / "proto"
WELL_KNOWN = Path(_protoc_compiler.__file__).parent / "_proto"


@cache
def described(folder: Path) -> FileDescriptorSet:
    """All that the .proto files below a folder say, and what they import."""
    with tempfile.TemporaryDirectory() as place:
        made = Path(place) / "all.binpb"
        files = sorted(str(each) for each in folder.glob("quitus/v1/*.proto"))
        flags = (f"-I{folder}", f"-I{WELL_KNOWN}", "--include_imports")
        status = protoc.main(["protoc", *flags, f"--descriptor_set_out={made}", *files])
        if status:
            raise RuntimeError(f"protoc refuses {folder}")
        return FileDescriptorSet.FromString(made.read_bytes())


def own(folder: Path) -> Sequence[FileDescriptorProto]:
    """What those files themselves say."""
    return [each for each in described(folder).file if each.package == "quitus.v1"]


@cache
def message(release: str, name: str) -> type[Message]:
    """The class that a release had for a message of quitus.v1."""
    pool = DescriptorPool()
    for each in described(FOLDER / release).file:
        pool.Add(each)
    return GetMessageClass(pool.FindMessageTypeByName(f"quitus.v1.{name}"))
