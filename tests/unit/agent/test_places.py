"""Links of a mounted disk stay on it, as they do on the system once it has started."""

import os
import sys
import tempfile
from functools import partial
from pathlib import Path
from types import ModuleType

import pytest

from quitus_agent import device, places, reading
from quitus_agent.errors import SourceError
from quitus_agent.reading import Forked
from quitus_agent.sources import dpkg, flatpak, snap, swid

NOBODY = 65534
STATUS = "Package: inside\nStatus: install ok installed\nVersion: 1\nArchitecture: all\n\n"


@pytest.fixture
def image(tmp_path: Path) -> Path:
    (tmp_path / "image/var/lib").mkdir(parents=True)
    (tmp_path / "image/etc").mkdir()
    return tmp_path / "image"


def outside(image: Path, name: str, content: str) -> Path:
    file = image.parent / "host" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content)
    return file


def test_a_link_out_of_a_disk_reads_nothing_of_the_system_that_scans_it(image: Path) -> None:
    status = outside(image, "dpkg/status", STATUS)
    (image / "var/lib/dpkg").symlink_to(status.parent)
    (image / "etc/hostname").symlink_to(outside(image, "hostname", "scanner"))
    (image / "etc/machine-id").symlink_to("../../../../host/machine-id")
    outside(image, "machine-id", "ours")

    assert not dpkg.available(image)
    assert (device.facts(image).hostname, device.facts(image).system_id) == ("", "")


def test_an_absolute_link_leads_to_a_place_on_the_same_disk(image: Path) -> None:
    (image / "data/dpkg").mkdir(parents=True)
    (image / "data/dpkg/status").write_text(STATUS)
    (image / "var/lib/dpkg").symlink_to("/data/dpkg")
    (image / "snap/foo/12/meta").mkdir(parents=True)
    (image / "snap/foo/12/meta/snap.yaml").write_text("name: foo\nversion: 3\n")
    (image / "snap/foo/current").symlink_to("/snap/foo/12")

    assert [each.name for each in dpkg.scan(image)] == ["inside"]
    assert [each.version for each in snap.scan(image)] == ["3"]


def test_links_in_a_circle_are_a_failure_and_not_an_empty_system(image: Path) -> None:
    (image / "var/lib/dpkg").symlink_to("/var/lib/dpkg")

    with pytest.raises(SourceError, match="var/lib/dpkg"):
        dpkg.available(image)


def test_a_link_above_the_root_stops_at_the_root(image: Path) -> None:
    (image / "up").symlink_to("../../../../etc")

    assert places.within(image, "up/hostname") == image / "etc/hostname"


def test_on_the_running_system_a_place_is_left_as_it_is() -> None:
    assert places.within(places.RUNNING, "etc/../x") == places.RUNNING / "etc/../x"


def test_names_of_a_windows_disk_are_found_in_any_case(image: Path) -> None:
    (image / "WINDOWS/system32").mkdir(parents=True)

    found = places.existing(image, "Windows/System32", any_case=True)

    assert found == image / "WINDOWS/system32"
    assert places.existing(image, "Windows/System32") is None


def test_a_failure_in_a_person_s_folder_does_not_name_the_person(image: Path) -> None:
    home = image / "home/zoe"
    home.mkdir(parents=True)
    name = "x" * 300

    with pytest.raises(SourceError) as raised, places.nameless("home 1", image, Path("home/zoe")):
        places.existing(image, f"home/zoe/{name}")

    assert str(raised.value) == f"home 1: …/{name}: File name too long"


@pytest.mark.parametrize(
    ("sentence", "told"),
    [
        ("/d/Users/zoe/x: is none", "…/x: is none"),
        ("/srv/zoe/x: is none", "…: is none"),
        ("cannot open '/srv/p/z.dupont/x'", "cannot open '…"),
        (r"D:\Profils\z.dupont\NTUSER.DAT: is cut off", "…: is cut off"),
        ("line 3 of zoe: zoetrope is none", "line 3 of …: zoetrope is none"),
    ],
)
def test_a_sentence_is_told_without_a_person_s_names_and_places(sentence: str, told: str) -> None:
    assert places.anonymous(sentence, "/d/Users/zoe", "zoe") == told


def test_a_flatpak_with_damaged_metadata_is_told_by_its_branch(image: Path) -> None:
    share = image / "var/lib/flatpak/app/org.x.App/x86_64/stable/active/files/share/metainfo"
    share.mkdir(parents=True)
    (share / "org.x.App.metainfo.xml").write_text("<component></wrong>")

    assert [(each.name, each.version) for each in flatpak.scan(image)] == [("org.x.App", "stable")]


def test_a_pipe_in_place_of_a_file_is_not_waited_for(image: Path) -> None:
    import os

    os.mkfifo(image / "etc/os-release")

    assert device.facts(image).system == ""


@pytest.mark.skipif(sys.platform != "linux", reason="readers are forked on Linux alone")
@pytest.mark.parametrize(
    ("folder", "module"),
    [
        ("var/lib/flatpak/app", flatpak),
        ("snap/code", snap),
        ("usr/share/swidtag", swid),
        ("var/lib/dpkg", dpkg),
    ],
)
def test_a_folder_that_is_closed_is_not_an_empty_one(folder: str, module: ModuleType) -> None:
    """Read by an account without rights, which root would not be without leaving."""
    with tempfile.TemporaryDirectory() as disk:
        image, closed = Path(disk), Path(disk) / folder
        closed.mkdir(parents=True)
        image.chmod(0o755)
        closed.chmod(0)

        def read() -> None:
            if os.geteuid() == 0:
                os.setresuid(NOBODY, NOBODY, NOBODY)
            if module.SOURCE.available(image):
                list(module.SOURCE.scan(image))

        (answer,) = reading.in_turn(partial(Forked, lambda: [reading.Task("closed", read)]))
        closed.chmod(0o700)

    assert "Permission denied" in answer.reason
