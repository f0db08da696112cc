from hypothesis import given
from hypothesis import strategies as st

from quitus_agent import smbios
from tests.makers.smbios import END, enclosure, processor, structure, system

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
    for serial in ("To be filled by O.E.M.", "0000000", "Default string", "None"):
        assert smbios.parse(system("M", "P", serial, UUID)).serial == ""
    for uuid in ("0" * 32, "f" * 32):
        assert smbios.parse(system("M", "P", "S", uuid)).uuid == ""


def test_a_table_is_read_as_far_as_it_is_whole() -> None:
    for length in range(len(LAPTOP)):
        found = smbios.parse(LAPTOP[:length])
        assert found.uuid in ("", UUID)
        assert found.chassis in ("", "notebook")
    assert smbios.parse(structure(1, b"")) == smbios.Firmware()


@given(st.binary(max_size=300))
def test_no_table_does_anything_but_parse(table: bytes) -> None:
    smbios.parse(table)
