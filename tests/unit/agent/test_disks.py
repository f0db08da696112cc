"""Which disk the system lies on, from what each system tells without root."""

import plistlib
import struct
from pathlib import Path

import pytest

from quitus_agent import disks

SERIAL = "S6PTNL0T123456"


class Machine:
    """A Linux's /sys and /run/udev, as far as they tell of disks."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "sys/dev/block").mkdir(parents=True)
        (root / "run/udev/data").mkdir(parents=True)

    def block(self, place: str, number: str, *, partition: bool = False) -> Path:
        folder = self.root / "sys/devices" / place
        folder.mkdir(parents=True)
        (folder / "dev").write_text(f"{number}\n")
        if partition:
            (folder / "partition").write_text("1\n")
        (self.root / "sys/dev/block" / number).symlink_to(folder)
        return folder

    def on(self, device: Path, *below: Path) -> None:
        (device / "slaves").mkdir()
        for each in below:
            (device / "slaves" / each.name).symlink_to(each)

    def udev(self, number: str, serial: str) -> None:
        text = f"S:disk/by-id/x\nE:ID_MODEL=M\nE:ID_SERIAL=M_{serial}\nE:ID_SERIAL_SHORT={serial}\n"
        (self.root / "run/udev/data" / f"b{number}").write_text(text)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_a_partition_is_on_its_disk(machine: Machine) -> None:
    machine.block("ata1/block/sda", "8:0")
    machine.block("ata1/block/sda/sda2", "8:2", partition=True)
    machine.udev("8:0", SERIAL)
    machine.udev("8:2", "a-partition-has-none")

    assert disks.of_linux("8:2", machine.root) == SERIAL


@pytest.mark.parametrize("place", ["device/serial", "serial"])
def test_the_kernel_tells_what_udev_does_not(machine: Machine, place: str) -> None:
    disk = machine.block("pci/nvme0n1", "259:0")
    (disk / place).parent.mkdir(exist_ok=True)
    (disk / place).write_text(f"{SERIAL}      \n")

    assert disks.of_linux("259:0", machine.root) == SERIAL


def test_an_encrypted_volume_on_a_mirror_is_known_by_the_same_disk_each_time(
    machine: Machine,
) -> None:
    parts = []
    for name, number, serial in (("sdb", 16, "WD-2222"), ("sda", 0, "WD-1111")):
        machine.block(f"ata/{name}", f"8:{number}")
        machine.udev(f"8:{number}", serial)
        parts.append(machine.block(f"ata/{name}/{name}1", f"8:{number + 1}", partition=True))
    mirror = machine.block("virtual/block/md0", "9:0")
    machine.on(mirror, *parts)
    volume = machine.block("virtual/block/dm-0", "253:0")
    machine.on(volume, mirror)

    assert disks.of_linux("253:0", machine.root) == "WD-1111"


def test_what_is_on_no_disk_has_no_serial(machine: Machine) -> None:
    machine.block("virtual/block/zram0", "253:9")

    assert disks.of_linux("253:9", machine.root) == ""
    assert disks.of_linux("0:21", machine.root) == ""


@pytest.mark.parametrize(
    "serial",
    [
        "",
        "QM00001",
        "drive-scsi0",
        "0000000000",
        "None",
        "abc",
        "To be filled by O.E.M.",
        "x" * 999,
    ],
)
def test_what_every_other_machine_says_too_is_nothing(serial: str) -> None:
    assert disks.meaningful(serial) == ""


def test_the_device_that_root_is_mounted_from_is_the_last_one() -> None:
    mounts = [
        "27 1 0:25 / / rw - rootfs rootfs rw",
        "28 1 0:30 /@ / rw,relatime shared:1 - btrfs /dev/mapper/luks-1 rw,subvol=/@",
        "29 28 0:31 / /home rw - btrfs /dev/sdb1 rw",
        "30 28 0:32 / /",
    ]

    assert list(disks._root_sources(mounts)) == ["/dev/mapper/luks-1"]


def test_this_machine_answers_whatever_it_is() -> None:
    said = disks.system_serial()

    assert said == disks.meaningful(said) == disks.system_serial()


def descriptor(serial: bytes, at: int = 40) -> bytes:
    """A STORAGE_DEVICE_DESCRIPTOR as Windows fills it."""
    head = struct.pack("<IIBBBBIIII", 40, 40 + len(serial), 0, 0, 0, 1, 0, 0, 0, at)
    return head.ljust(40, b"\0") + serial


def test_windows_tells_it_in_the_disks_descriptor() -> None:
    assert disks.of_descriptor(descriptor(b"S6PTNL0T123456\0\0")) == SERIAL


@pytest.mark.parametrize(
    "answer", [b"", b"\1" * 20, descriptor(b"", 0), descriptor(b"", 9_999_999), descriptor(b"")]
)
def test_a_descriptor_without_a_serial_tells_none(answer: bytes) -> None:
    assert disks.of_descriptor(answer) == ""


def test_a_mac_tells_its_internal_disks() -> None:
    def device(where: str, serial: object) -> dict[str, object]:
        return {
            "Protocol Characteristics": {"Physical Interconnect Location": where},
            "Device Characteristics": {"Serial Number": serial, "Product Name": "APPLE SSD"},
        }

    answer = plistlib.dumps(
        [{}, device("File", "image"), device("Internal", 7), device("Internal", f"{SERIAL} ")]
    )

    assert disks.of_ioreg(answer) == SERIAL


@pytest.mark.parametrize("answer", [b"", b"nonsense", plistlib.dumps({}), plistlib.dumps(["x"])])
def test_a_mac_that_tells_nothing_has_no_disk(answer: bytes) -> None:
    assert disks.of_ioreg(answer) == ""
