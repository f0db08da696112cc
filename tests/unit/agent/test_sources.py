from pathlib import Path

from quitus_agent import reading, sources
from quitus_agent.inventory import SourceOutcome
from quitus_agent.sources import last_use


def test_every_source_file_is_registered_under_its_own_name() -> None:
    folder = Path(sources.__file__).parent
    files = {path.stem for path in folder.glob("*.py") if path.stem != "__init__"}

    assert set(sources.ALL) == files
    assert len(sources.ALL) == len(files)
    for module in sources.ALL:
        assert sources.load(module).name == sources.source_name(module)


def test_a_system_is_asked_for_what_its_kind_can_have(tmp_path: Path) -> None:
    linux, macos, windows = (tmp_path / name for name in ("linux", "macos", "windows"))
    linux.mkdir()
    (macos / "System/Library/CoreServices").mkdir(parents=True)
    (windows / "Windows/System32/config").mkdir(parents=True)

    assert "dpkg" in sources.possible(linux)
    assert "macos_receipts" in sources.possible(macos)
    assert "click_to_run" in sources.possible(windows)
    assert "dpkg" not in sources.possible(windows)
    names = [each.name for each in sources.for_system(linux)]
    assert names == list(map(sources.source_name, sources.ALL))


def test_a_source_that_tells_of_people_s_work_is_off_unless_it_is_turned_on(
    tmp_path: Path,
) -> None:
    (tmp_path / last_use.GNOME_SHELL).parent.mkdir(parents=True)
    (tmp_path / last_use.GNOME_SHELL).touch()

    def outcome(*turned_on: str) -> SourceOutcome:
        found = reading.system(tmp_path, turned_on=turned_on).inventory
        return next(each for each in found.sources if each.name == "last-use")

    assert outcome() == ("last-use", "absent", "turned off")
    assert outcome("last_use") == ("last-use", "read", "")
