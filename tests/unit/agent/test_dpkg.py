from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quitus_agent.errors import SourceError
from quitus_agent.sources import dpkg

CAPTURE = Path("tests/captures/dpkg/debian12")


def parsed(text: str) -> list[tuple[str, str, str]]:
    return [(each.name, each.version, each.architecture) for each in dpkg.parse(text.split("\n"))]


def test_packages_whose_files_are_there_are_found_and_removed_ones_are_not() -> None:
    found = parsed(CAPTURE.read_text(encoding="utf-8"))

    assert found == [
        ("bash", "5.2.15-2+b7", "amd64"),
        ("libc6", "2.36-9+deb12u8", "amd64"),
        ("libc6", "2.36-9+deb12u8", "i386"),
        ("unrar", "1:6.2.6-1", "amd64"),
        ("café-local", "2.0~rc1", "all"),
    ]


def test_a_package_carries_its_maintainer_section_and_package_url() -> None:
    bash, *_ = dpkg.parse(CAPTURE.read_text(encoding="utf-8").split("\n"), "debian")

    assert bash.publisher == "Matthias Klose <doko@debian.org>"
    assert bash.identifiers == {
        "purl": "pkg:deb/debian/bash@5.2.15-2%2Bb7?arch=amd64",
        "section": "shells",
    }


def test_the_distribution_names_the_package_url(tmp_path: Path) -> None:
    status = tmp_path / "var/lib/dpkg/status"
    status.parent.mkdir(parents=True)
    status.write_bytes(CAPTURE.read_bytes())
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/os-release").write_text('ID=ubuntu\nNAME="Ubuntu"\n')

    first = next(iter(dpkg.scan(tmp_path)))

    assert first.identifiers["purl"].startswith("pkg:deb/ubuntu/bash@")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "is empty, as after a crash; dpkg keeps a copy in status-old"),
        ("\0\0\0\0", "line 1 is not 'Field: value'"),
        ("Package: a\nStatus: install ok installed\nVersion", "line 3 is not 'Field: value'"),
        ("Status: install ok installed\nVersion: 1\n", "the entry that ends at line 3"),
        ("Package: a\nStatus: installed\n", "line 3: package a has no valid Status"),
        ("Package: a\nStatus: install ok installed\n\n", "line 3: package a is installed but has"),
    ],
)
def test_a_broken_status_file_is_a_failure_that_names_the_line(text: str, complaint: str) -> None:
    with pytest.raises(SourceError) as raised:
        list(dpkg.parse(text.split("\n")))

    assert complaint in str(raised.value)


def test_an_unreadable_status_file_is_a_failure_that_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "var/lib/dpkg/status").mkdir(parents=True)

    with pytest.raises(SourceError) as raised:
        list(dpkg.scan(tmp_path))

    assert str(raised.value) == f"{tmp_path}/var/lib/dpkg/status: Is a directory"


def test_a_broken_encoding_costs_a_letter_not_the_package(tmp_path: Path) -> None:
    status = tmp_path / "var/lib/dpkg/status"
    status.parent.mkdir(parents=True)
    status.write_bytes(
        b"Package: a\nStatus: install ok installed\nVersion: 1\nMaintainer: Andr\xe9 <a@b.fr>\n"
    )

    (found,) = dpkg.scan(tmp_path)

    assert found.publisher == "Andr\ufffd <a@b.fr>"


def test_an_image_without_dpkg_has_a_file_for_each_package(tmp_path: Path) -> None:
    folder = tmp_path / "var/lib/dpkg/status.d"
    folder.mkdir(parents=True)
    (folder / "base").write_text("Package: base-files\nVersion: 12.4\nArchitecture: amd64\n")
    (folder / "base.md5sums").write_text("d41d8cd98f00b204e9800998ecf8427e  etc/motd\n")

    assert dpkg.available(tmp_path)
    assert [(each.name, each.version) for each in dpkg.scan(tmp_path)] == [("base-files", "12.4")]


def test_a_package_that_is_gone_needs_no_version_and_one_that_is_half_there_has_none() -> None:
    text = (
        "Package: parti\nStatus: deinstall ok config-files\n\n"
        "Package: jamais\nStatus: purge ok not-installed\n\n"
        "Package: casse\nStatus: install reinstreq half-installed\nArchitecture: all\n"
    )

    (broken,) = dpkg.parse(text.split("\n"))

    assert (broken.name, broken.version) == ("casse", "")
    assert broken.identifiers["purl"] == "pkg:deb/debian/casse?arch=all"


def test_a_mark_line_ends_of_windows_and_the_case_of_fields_cost_nothing(tmp_path: Path) -> None:
    status = tmp_path / "status"
    text = "PACKAGE: bash\r\nstatus: install ok installed\r\nVERSION: 5.2\r\n\r\n"
    status.write_bytes(b"\xef\xbb\xbf" + text.encode() * 2)

    assert [(each.name, each.version) for each in dpkg.read(status)] == [("bash", "5.2")] * 2


def test_a_file_of_an_image_without_dpkg_is_read_by_itself_and_with_its_folder(
    tmp_path: Path,
) -> None:
    for name in ("base-files", "tzdata"):
        (tmp_path / name).write_text(f"Package: {name}\nVersion: 12\nArchitecture: all\n\n")
        (tmp_path / f"{name}.md5sums").write_text("d41d8cd98f00b204e9800998ecf8427e  etc/x\n")

    assert [each.name for each in dpkg.read(tmp_path)] == ["base-files", "tzdata"]
    assert [each.name for each in dpkg.read(tmp_path / "tzdata")] == ["tzdata"]


def test_an_index_of_packages_that_could_be_installed_is_none_of_installed_ones(
    tmp_path: Path,
) -> None:
    index = tmp_path / "Packages"
    index.write_text("Package: a\nVersion: 1\n\nPackage: b\nVersion: 1\n")

    with pytest.raises(SourceError, match="line 3: package a has no valid Status"):
        list(dpkg.read(index))


@given(st.text(max_size=400))
def test_no_text_does_anything_but_parse_or_fail(text: str) -> None:
    try:
        found = list(dpkg.parse(text.split("\n")))
    except SourceError:
        return
    assert all(each.name for each in found)
