import socket
from pathlib import Path

import psutil
import pytest

from quitus_agent import device
from quitus_agent.system import os_release, parse_os_release

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
