"""What goes into the agent's installer for Windows."""

import re
import zipfile
from importlib import metadata
from pathlib import Path

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement

from deploy.windows import installer, runtime

WINDOWS = default_environment() | {
    "sys_platform": "win32",
    "os_name": "nt",
    "platform_system": "Windows",
    "python_version": ".".join(runtime.PYTHON.version.split(".")[:2]),
    "python_full_version": runtime.PYTHON.version,
    "extra": "",
}


def wanted_by(package: str, extra: str = "") -> set[str]:
    """What a package needs on Windows, itself and below."""
    found: set[str] = set()
    for text in metadata.requires(package) or []:
        each = Requirement(text)
        name = each.name.lower().replace("_", "-")
        if not each.marker or each.marker.evaluate(WINDOWS | {"extra": extra}):
            found |= {name} | wanted_by(name)
    return found


def test_the_wheels_are_all_that_the_agent_needs_on_windows_and_no_more() -> None:
    assert set(runtime.NEEDED) == wanted_by("quitus", "agent")


@pytest.mark.parametrize("package", runtime.NEEDED)
def test_every_wheel_is_pinned_by_version_and_digest(package: str) -> None:
    assert re.match(rf"{package}==\S+ .*--hash=sha256:[0-9a-f]{{64}}", runtime.pinned(package))


def test_a_python_that_is_not_the_pinned_one_is_refused_before_it_is_unpacked(
    tmp_path: Path,
) -> None:
    archive = tmp_path / "python.zip"
    with zipfile.ZipFile(archive, "w") as made:
        made.writestr("python.exe", "")

    with pytest.raises(runtime.BuildError, match="its SHA-256 is"):
        runtime.unpack(archive, runtime.PYTHON, tmp_path / "out")

    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("0.1.0", "0.1.0"),
        ("1.20.300", "1.20.300"),
        ("1.2.3.dev4+g123", "1.2.3"),
        ("1.2.3rc1", "1.2.3"),
    ],
)
def test_windows_installer_compares_three_numbers(version: str, expected: str) -> None:
    assert installer.installer_version(version) == expected


@pytest.mark.parametrize("version", ["1.2", "256.0.0", "1.2.65536", "", "v1.2.3"])
def test_a_version_that_it_cannot_compare_is_refused(version: str) -> None:
    with pytest.raises(runtime.BuildError, match="no version that Windows Installer can compare"):
        installer.installer_version(version)
