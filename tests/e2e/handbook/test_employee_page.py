"""The employee's page names all that the wire can carry of a device and of what is installed."""

import pytest
from google.protobuf.message import Message

from quitus.v1 import inventory_pb2
from tests.handbook import GUIDE

# By field, the words that tell it, in French and in English.
OF_A_DEVICE = {
    "hostname": ("nom (il contient", "name (which"),
    "system system_version architecture": ("système", "system"),
    "processors cores logical_cores": ("processeur et cœurs", "processor and cores"),
    "memory_bytes": ("mémoire", "memory"),
    "kind hypervisor": ("s’il est virtuel", "whether it is\n  virtual"),
    "chassis portable": ("type de boîtier", "kind of enclosure"),
    "smbios_uuid": ("carte mère", "mainboard"),
    "serial": ("numéro de série", "serial number"),
    "machine_id disk_id": (
        "une empreinte de ceux du système et du disque",
        "digests of those of system\n  and disk",
    ),
    "primary_user": ("**pseudonyme**", "**pseudonym**"),
    "domain": ("domaine", "domain"),
    "guests": ("machines virtuelles il héberge", "virtual machines it has"),
}
OF_AN_INSTALL = {
    "name version publisher architecture": ("nom, version, éditeur", "name, version, publisher"),
    "source hidden": ("**liste des logiciels installés**", "**list of installed software**"),
    "identifiers": ("codes du produit", "codes of the product"),
    "scope": ("dans un profil", "in a profile"),
    "installed_on": ("jour d’installation", "day of installation"),
}


@pytest.mark.parametrize("at", [0, 1], ids=["fr", "en"])
@pytest.mark.parametrize(
    ("message", "told"),
    [
        pytest.param(inventory_pb2.DeviceFacts(), OF_A_DEVICE, id="device"),
        pytest.param(inventory_pb2.Install(), OF_AN_INSTALL, id="install"),
    ],
)
def test_all_that_is_sent_is_told(
    message: Message, told: dict[str, tuple[str, str]], at: int
) -> None:
    page = (GUIDE / ("fr", "en")[at] / "employee.md").read_text(encoding="utf-8")
    fields = {each.name for each in message.DESCRIPTOR.fields}

    assert {name for names in told for name in names.split()} == fields
    assert [words[at] for words in told.values() if words[at] not in page] == []
