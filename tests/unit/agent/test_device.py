import plistlib
import socket
from pathlib import Path

import psutil
import pytest

from quitus_agent import device, smbios
from quitus_agent.system import os_release, parse_os_release
from tests.makers.smbios import END, system

CPUINFO = """\
processor\t: 0
physical id\t: 0
core id\t\t: 0
flags\t\t: fpu vme {flag}sse2

processor\t: 1
physical id\t: 1
core id\t\t: 0
flags\t\t: fpu vme {flag}sse2
"""


def test_sockets_are_the_distinct_physical_ids_and_cores_are_told_apart_by_socket() -> None:
    assert device.parse_cpuinfo(CPUINFO.format(flag="")) == (2, 2, False)


def test_two_threads_of_a_core_are_one_core() -> None:
    threads = CPUINFO.replace("physical id\t: 1", "physical id\t: 0").format(flag="")

    assert device.parse_cpuinfo(threads) == (1, 1, False)


def test_a_processor_that_names_no_cores_leaves_them_to_the_system() -> None:
    assert device.parse_cpuinfo("processor\t: 0\nBogoMIPS\t: 50.00\n") == (0, 0, False)


def test_this_machine_is_counted_as_psutil_counts_it() -> None:
    found = device.facts(Path("/"))

    assert found.logical_cores == psutil.cpu_count()
    assert found.cores == (psutil.cpu_count(logical=False) or found.logical_cores)
    assert found.memory_bytes == psutil.virtual_memory().total
    assert found.hostname == socket.gethostname()


def test_the_hypervisor_flag_tells_a_virtual_machine() -> None:
    assert device.parse_cpuinfo(CPUINFO.format(flag="hypervisor ")).under_hypervisor


@pytest.mark.parametrize(
    ("vendor", "product", "flag", "expected"),
    [
        ("Dell Inc.", "Latitude 5540", False, ("physical", "")),
        ("VMware, Inc.", "VMware20,1", True, ("virtual", "vmware")),
        ("innotek GmbH", "VirtualBox", True, ("virtual", "virtualbox")),
        ("Microsoft Corporation", "Virtual Machine", True, ("virtual", "hyper-v")),
        ("Microsoft Corporation", "Surface Pro 9", False, ("physical", "")),
        ("QEMU", "Standard PC (Q35 + ICH9, 2009)", True, ("virtual", "kvm")),
        ("", "", True, ("virtual", "")),
        ("", "", False, ("", "")),
    ],
)
def test_physical_or_virtual_is_told_by_the_firmware_or_the_processor(
    vendor: str, product: str, flag: bool, expected: tuple[str, str]
) -> None:
    assert device.kind_of(vendor, product, flag) == expected


def test_facts_of_this_machine_are_plausible() -> None:
    facts = device.facts(Path("/"))

    assert facts.cores >= 1
    assert facts.processors >= 1
    assert facts.memory_bytes > 64 * 1024 * 1024
    assert facts.hostname == device.hostname()


def test_the_system_is_that_of_the_root(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/os-release").write_text('NAME="Rocky Linux"\nVERSION_ID="9.4"\n')

    facts = device.facts(tmp_path)

    assert (facts.system, facts.system_version) == ("Rocky Linux", "9.4")


def test_os_release_is_read_with_and_without_quotes_and_may_be_absent(tmp_path: Path) -> None:
    assert parse_os_release("# c\nID=debian\nNAME='Debian'\nbroken\n") == {
        "ID": "debian",
        "NAME": "Debian",
    }
    assert os_release(tmp_path) == {}


# --- Hosts ---

GUEST = "4c4c4544-0033-3510-8034-b7c04f4d3332"


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("etc/libvirt/qemu/web.xml", f"<domain>\n  <name>web</name>\n  <uuid>{GUEST}</uuid>\n"),
        ("etc/pve/qemu-server/101.conf", f"name: web\nsmbios1: base64=1,uuid={GUEST}\n"),
        (
            "vmfs/volumes/datastore1/web/web.vmx",
            'displayName = "web"\nuuid.bios = "44 45 4c 4c 33 00 10 35-80 34 b7 c0 4f 4d 33 32"\n',
        ),
        (f"ProgramData/Microsoft/Windows/Hyper-V/Virtual Machines/{GUEST.upper()}.vmcx", ""),
        (f"ProgramData/Microsoft/Windows/Hyper-V/Virtual Machines/{GUEST.upper()}.xml", ""),
    ],
)
def test_a_host_tells_the_ids_of_its_guests_as_the_guests_do(
    tmp_path: Path, file: str, content: str
) -> None:
    (tmp_path / file).parent.mkdir(parents=True)
    (tmp_path / file).write_text(content)

    assert device.guests(tmp_path) == (GUEST,)


@pytest.mark.parametrize("text", ["", "web", "56 4d", f"{GUEST}0", "x" * 32])
def test_what_is_no_id_is_none(text: str) -> None:
    assert device.guest_id(text) == ""


def test_the_guest_of_a_vmware_host_gives_the_same_id() -> None:
    table = system("VMware, Inc.", "VMware20,1", "VMware-44", GUEST) + END

    assert smbios.parse(table).uuid == device.guest_id(
        "44 45 4c 4c 33 00 10 35-80 34 b7 c0 4f 4d 33 32"
    )


# --- Macs ---


@pytest.mark.parametrize(
    ("model", "has_battery", "expected"),
    [
        ("MacBookPro16,1", False, ("notebook", True, "physical")),
        ("Mac14,2", True, ("notebook", True, "physical")),
        ("Mac14,3", False, ("", False, "physical")),
        ("VirtualMac2,1", False, ("", False, "virtual")),
    ],
)
def test_a_mac_tells_its_model_its_ids_and_whether_people_carry_it(
    model: str, has_battery: bool, expected: tuple[str, bool, str]
) -> None:
    answer = plistlib.dumps(
        [
            {
                "IOPlatformSerialNumber": "C02ABCDEFGH1",
                "IOPlatformUUID": GUEST.upper(),
                "manufacturer": b"Apple Inc.\0",
                "model": model.encode() + b"\0",
            }
        ]
    )

    found = device.parse_ioreg(answer, has_battery=has_battery)

    assert (found.serial, found.uuid, found.vendor) == ("C02ABCDEFGH1", GUEST, "Apple Inc.")
    kind, _ = device.kind_of(found.vendor, found.product, under_hypervisor=False)
    assert (found.chassis, found.portable, kind) == expected


@pytest.mark.parametrize("answer", [b"", b"not a list", plistlib.dumps({}), plistlib.dumps([])])
def test_a_mac_that_tells_nothing_is_unknown(answer: bytes) -> None:
    assert device.parse_ioreg(answer, has_battery=False) == smbios.Firmware()


def test_a_linux_in_a_windows_domain_says_which(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/krb5.conf").write_text(
        "[libdefaults]\n# default_realm = OTHER\n default_realm = CORP.EXAMPLE\n"
    )

    assert device.facts(tmp_path).domain == "corp.example"
