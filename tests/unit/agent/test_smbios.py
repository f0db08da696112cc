import pytest
from hypothesis import given
from hypothesis import strategies as st

from quitus_agent import smbios
from tests.makers.smbios import END, enclosure, processor, structure, system

UNSET = (
    *("To be filled by O.E.M.", "0000000", "Default string", "None", "System Serial Number"),
    *("Not Specified", "XXXXXXXX", "123456789", "........", "OEM", "1111111", "N/A", "INVALID"),
)
UNSET_IDS = (
    *("0" * 32, "f" * 32, "1" * 32, "fe" * 16, "03000200-0400-0500-0006-000700080009"),
    *("00020003-0004-0005-0006-000700080009", "12345678-1234-5678-90ab-cddeefaabbcc"),
    "4c4c4544-0020-2010-8020-a0c04f202020",
)
UUID = "4c4c4544-0033-3510-8034-b7c04f4d3332"
LAPTOP = system("Dell Inc.", "Latitude 5540", "3Q5X4M2", UUID) + enclosure(10) + END


def test_the_table_tells_maker_product_serial_uuid_and_enclosure() -> None:
    assert smbios.parse(LAPTOP) == smbios.Firmware(
        "Dell Inc.", "Latitude 5540", "3Q5X4M2", UUID, "notebook", True
    )


def test_an_enclosure_with_a_lock_is_the_same_enclosure() -> None:
    assert smbios.parse(enclosure(10 | 0x80)).portable
    assert smbios.parse(enclosure(3)) == smbios.Firmware(chassis="desktop")
    assert smbios.parse(enclosure(99)) == smbios.Firmware()


def test_processors_are_sockets_that_hold_one() -> None:
    table = processor() + processor() + processor(populated=False) + processor(central=False) + END

    assert smbios.parse(table).processors == 2


def test_what_makers_leave_unset_is_nothing() -> None:
    for serial in UNSET:
        assert smbios.parse(system("M", "P", serial, UUID)).serial == ""
    for uuid in UNSET_IDS:
        assert smbios.parse(system("M", "P", "S", uuid)).uuid == ""


def test_a_board_whose_id_ends_with_its_network_address_has_one() -> None:
    uuid = "00000000-0000-0000-0000-ac1f6b123456"

    assert smbios.parse(system("Supermicro", "P", "S", uuid)).uuid == uuid


def test_a_laptop_in_its_dock_is_a_laptop() -> None:
    for table in (enclosure(10) + enclosure(12), enclosure(12) + enclosure(10)):
        assert smbios.parse(table + END).chassis == "notebook"
    assert smbios.parse(enclosure(28) + enclosure(29) + END).chassis == "blade"


@pytest.mark.parametrize(("second", "virtual"), [(0x1C, True), (0x0C, False)])
def test_the_firmware_itself_may_tell_a_virtual_machine(second: int, virtual: bool) -> None:
    table = structure(0, bytes(14) + bytes([0, second]) + bytes(4)) + END

    assert smbios.parse(table).virtual == virtual
    assert not smbios.parse(structure(0, bytes(14)) + END).virtual


def test_a_table_is_read_as_far_as_it_is_whole() -> None:
    for length in range(len(LAPTOP)):
        found = smbios.parse(LAPTOP[:length])
        assert found.uuid in ("", UUID)
        assert found.chassis in ("", "notebook")
    assert smbios.parse(structure(1, b"")) == smbios.Firmware()


@given(st.binary(max_size=300))
def test_no_table_does_anything_but_parse(table: bytes) -> None:
    smbios.parse(table)
