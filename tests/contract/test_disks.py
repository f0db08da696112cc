"""Disks that take nothing: which database it is, what to do, and that it goes on afterwards."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from quitus_collector.adapters.sql.store import SQLStore
from quitus_collector.errors import StoreAway
from tests import disk
from tests.builders import a_device, an_install, an_inventory
from tests.contract.test_store import keep
from tests.postgresql import server

pytestmark = pytest.mark.needs("mounts")


def add(store: SQLStore, number: int) -> None:
    """A device with enough rows that the database's files have to grow."""
    with store.writing() as work:
        work.devices.add(a_device(f"d-{number}"))
        installs = (an_install(f"tool {number} of {each}") for each in range(500))
        keep(work, f"d-{number}", an_inventory(*installs))


def names(store: SQLStore) -> list[str]:
    with store.reading() as work:
        return [each.id for each in work.devices.list()]


def test_a_database_on_a_disk_that_is_read_only_asks_for_a_writable_one(tmp_path: Path) -> None:
    folder = tmp_path / "disk"
    with disk.disk(folder, 16):
        store = SQLStore(f"sqlite:///{folder / 'quitus.db'}", create=True)
        store.upgrade()
        add(store, 0)
        store.close()

        with disk.read_only(folder), pytest.raises(StoreAway, match=r"quitus\.db .*writable"):
            add(store, 1)
        add(store, 2)

        assert names(store) == ["d-0", "d-2"]
        store.close()


def test_a_postgresql_whose_disk_is_full_goes_on_when_there_is_space() -> None:
    with TemporaryDirectory() as name:
        # Where the server's own account can go.
        folder = Path(name)
        folder.chmod(0o755)
        with disk.disk(folder / "disk", 24), server() as postgresql:
            store = SQLStore(postgresql.database_in(folder / "disk"))
            store.upgrade()
            add(store, 0)

            with disk.full(folder / "disk"), pytest.raises(StoreAway, match="free some space"):
                add(store, 1)
            add(store, 2)

            assert names(store) == ["d-0", "d-2"]
            store.close()
