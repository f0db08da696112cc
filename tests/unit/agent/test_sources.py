from importlib import import_module
from pathlib import Path

from quitus_agent import sources
from quitus_agent.errors import SourceError
from quitus_agent.inventory import Install, Source, failures, take


def a_source(name: str, *installs: Install, present: bool = True) -> Source:
    return Source(name, lambda root: present, lambda root: installs, lambda file: installs)


def a_failing_source(name: str, reason: str) -> Source:
    def scan(root: Path) -> list[Install]:
        raise SourceError(reason)

    return Source(name, lambda root: True, scan, scan)


def test_every_source_file_is_registered() -> None:
    folder = Path(sources.__file__).parent
    files = {path.stem for path in folder.glob("*.py") if path.stem != "__init__"}

    registered = {import_module(f"quitus_agent.sources.{name}").SOURCE for name in files}

    assert set(sources.SOURCES) == registered
    assert len({source.name for source in sources.SOURCES}) == len(sources.SOURCES)


def test_a_source_that_fails_says_why_and_the_others_go_on() -> None:
    found = take(
        [
            a_failing_source("rpm", "database unreadable"),
            a_source("dpkg", Install("bash", "5", "", "amd64", "dpkg")),
            a_source("snap", present=False),
        ],
        Path("/"),
    )

    assert [outcome[:3] for outcome in found.sources] == [
        ("rpm", "failed", "database unreadable"),
        ("dpkg", "read", ""),
        ("snap", "absent", ""),
    ]
    assert [install.name for install in found.installs] == ["bash"]
    assert list(failures(found)) == ["rpm could not be read: database unreadable"]


def test_a_source_that_fails_half_way_yields_nothing() -> None:
    def scan(root: Path):  # type: ignore[no-untyped-def]
        yield Install("bash", "5", "", "amd64", "dpkg")
        raise SourceError("line 9 is not 'Field: value'")

    found = take([Source("dpkg", lambda root: True, scan, scan)], Path("/"))

    assert found.installs == []
