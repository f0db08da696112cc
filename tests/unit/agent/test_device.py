import plistlib
import socket
from pathlib import Path

import psutil
import pytest

from quitus_agent import device, guests, smbios
from quitus_agent.system import os_release, parse_os_release
from tests.makers import regf
from tests.makers.smbios import END, system

PARALLELS = ("virtual", "parallels")
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
    physical = psutil.cpu_count(logical=False) or 0
    assert found.cores == device.counted_cores(found.kind, physical, found.logical_cores)
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
        ("QEMU", "QEMU Virtual Machine", False, ("virtual", "kvm")),
        ("Xen", "HVM domU", False, ("virtual", "xen")),
        ("Amazon EC2", "m5.large", False, ("virtual", "kvm")),
        ("Amazon EC2", "m5.metal", False, ("physical", "")),
        ("Nutanix", "AHV", False, ("virtual", "ahv")),
        ("Nutanix", "NX-1065-G5", False, ("physical", "")),
        ("Xenon Systems", "Nitro", False, ("physical", "")),
        ("Apple Inc.", "Apple Virtualization Generic Platform", False, ("virtual", "apple")),
        ("Parallels International GmbH.", "Parallels ARM Virtual Machine", False, PARALLELS),
        ("Red Hat", "OpenShift Virtualization", False, ("virtual", "kvm")),
        ("", "linux,dummy-virt", False, ("virtual", "kvm")),
        ("", "Raspberry Pi 4 Model B Rev 1.4", False, ("physical", "")),
        ("", "", True, ("virtual", "")),
        ("", "", False, ("", "")),
    ],
)
def test_physical_or_virtual_is_told_by_the_firmware_or_the_processor(
    vendor: str, product: str, flag: bool, expected: tuple[str, str]
) -> None:
    assert device.kind_of(vendor, product, flag) == expected


def test_xen_s_first_system_is_no_guest(tmp_path: Path) -> None:
    (tmp_path / "proc/xen").mkdir(parents=True)

    assert not device.is_xen_host(tmp_path)
    (tmp_path / "proc/xen/capabilities").write_text("control_d\n")
    assert device.is_xen_host(tmp_path)


@pytest.mark.parametrize(
    ("kind", "physical", "logical", "cores"),
    [
        ("physical", 4, 8, 4),
        ("physical", 0, 8, 8),
        ("virtual", 4, 8, 8),
        ("virtual", 4, 0, 4),
        ("", 4, 8, 4),
    ],
)
def test_each_thread_of_a_virtual_machine_is_a_core_of_it(
    kind: str, physical: int, logical: int, cores: int
) -> None:
    assert device.counted_cores(kind, physical, logical) == cores


def test_linux_tells_every_account_the_enclosure(tmp_path: Path) -> None:
    folder = tmp_path / "sys/class/dmi/id"
    folder.mkdir(parents=True)
    for name, text in (("sys_vendor", "LENOVO"), ("product_name", "21CB"), ("chassis_type", "10")):
        (folder / name).write_text(f"{text}\n")

    assert device.linux_firmware(tmp_path) == smbios.Firmware(
        "LENOVO", "21CB", chassis="notebook", portable=True
    )


def test_a_board_without_smbios_is_told_by_its_device_tree(tmp_path: Path) -> None:
    (tmp_path / "proc/device-tree").mkdir(parents=True)
    (tmp_path / "proc/device-tree/model").write_bytes(b"Raspberry Pi 4 Model B\0")

    assert device.linux_firmware(tmp_path).product == "Raspberry Pi 4 Model B"
    assert device.linux_firmware(tmp_path / "proc") == smbios.Firmware()


# --- A Windows that does not run ---


@pytest.mark.parametrize(
    ("maker", "model", "threads", "expected"),
    [
        ("VMware, Inc.", "VMware7,1", "8", ("virtual", "vmware", 8, 8)),
        ("Dell Inc.", "Latitude 5540", "8", ("physical", "", 0, 8)),
        ("Dell Inc.", "Latitude 5540", "9" * 20, ("physical", "", 0, 0)),
    ],
)
def test_a_windows_that_is_off_tells_the_machine_it_last_ran_on(
    tmp_path: Path, maker: str, model: str, threads: str, expected: tuple[str, str, int, int]
) -> None:
    environment = {"NUMBER_OF_PROCESSORS": threads, "PROCESSOR_ARCHITECTURE": "ARM64"}
    machine = {"SystemManufacturer": maker, "SystemProductName": model}
    control = {"SystemInformation": machine, "Session Manager": {"Environment": environment}}
    config = tmp_path / "Windows/System32/config"
    regf.write(config / "SOFTWARE", {"Microsoft": {}})
    regf.write(config / "SYSTEM", {"Select": {"Current": 1}, "ControlSet001": {"Control": control}})

    found = device.facts(tmp_path)

    assert (found.kind, found.hypervisor, found.cores, found.logical_cores) == expected
    assert found.architecture == "ARM64"


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

    assert guests.guests(tmp_path) == (GUEST,)


def test_hyper_v_tells_the_ids_that_its_guests_have() -> None:
    answer = f"{{{GUEST.upper()}}}\r\n\r\n{GUEST}\r\nno id\r\n".encode()

    assert list(guests.parse_hyper_v(answer)) == [GUEST, GUEST]


@pytest.mark.parametrize("text", ["", "web", "56 4d", f"{GUEST}0", "x" * 32])
def test_what_is_no_id_is_none(text: str) -> None:
    assert guests.guest_id(text) == ""


def test_the_guest_of_a_vmware_host_gives_the_same_id() -> None:
    table = system("VMware, Inc.", "VMware20,1", "VMware-44", GUEST) + END

    assert smbios.parse(table).uuid == guests.guest_id(
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
