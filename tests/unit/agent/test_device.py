from pathlib import Path

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


def test_sockets_are_the_distinct_physical_ids() -> None:
    assert device.parse_cpuinfo(CPUINFO.format(flag="")) == (2, False)


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
