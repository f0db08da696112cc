"""A release: the same sources give the same files; what it is made of is told, and may be used."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from deploy import release
from deploy.release import __main__ as making
from deploy.release import dependencies
from deploy.release.sources import version

LONG_AGO = "1700000000"


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of the project without their history, as an archive of it has them."""
    place = tmp_path_factory.mktemp("sources") / "quitus"
    root = Path(release.__file__).parents[2]
    for name in ("agent", "collector", "proto"):
        unwanted = shutil.ignore_patterns("__pycache__", "_version.py")
        shutil.copytree(root / name, place / name, ignore=unwanted)
    for name in ("pyproject.toml", "README.md", "LICENSE", ".gitignore"):
        shutil.copy(root / name, place / name)
    return place


@pytest.fixture(scope="module")
def released(sources: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(sources, tmp_path_factory.mktemp("release") / "one")


def made(sources: Path, folder: Path) -> Path:
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("SOURCE_DATE_EPOCH", LONG_AGO)
        making.build(folder, sources)
    return folder


def test_the_same_sources_give_the_same_files(
    released: Path, sources: Path, tmp_path: Path
) -> None:
    # Elsewhere, and touched since.
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(sources, elsewhere)
    for each in elsewhere.rglob("*"):
        os.utime(each, (1_600_000_000, 1_600_000_000))

    again = made(elsewhere, tmp_path / "again")

    assert digests(again) == digests(released)
    assert len(digests(again)) == 5


def test_without_history_the_version_is_one_before_the_first_release(released: Path) -> None:
    (wheel,) = released.glob("*.whl")

    assert wheel.name == "quitus-0.1.0.dev0-py3-none-any.whl"
    with zipfile.ZipFile(wheel) as archive:
        assert b'"0.1.0.dev0"' in archive.read("quitus_agent/_version.py")
        assert archive.read("quitus-0.1.0.dev0.dist-info/licenses/LICENSE").startswith(b"EUROPEAN")


@pytest.mark.needs("git")
def test_with_a_tag_the_version_is_the_tag(sources: Path, tmp_path: Path) -> None:
    tagged = tmp_path / "tagged"
    shutil.copytree(sources, tagged)
    as_somebody = ("-c", "user.name=a", "-c", "user.email=a@example.fr")
    for words in (
        ("init", "-q"),
        ("add", "-A"),
        (*as_somebody, "commit", "-q", "-m", "all"),
        (*as_somebody, "tag", "-a", "v3.2.1", "-m", "3.2.1"),
    ):
        subprocess.run(["git", *words], cwd=tagged, check=True)

    folder = made(tagged, tmp_path / "release")

    assert (folder / "quitus-3.2.1-py3-none-any.whl").exists()
    assert version(tagged) == "3.2.1"


def test_where_there_is_no_history_the_version_may_be_given(
    sources: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the container's recipe does."""
    monkeypatch.setenv("SETUPTOOLS_SCM_PRETEND_VERSION", "7.6.5")

    assert version(sources) == "7.6.5"


@pytest.mark.parametrize("program", dependencies.PROGRAMS)
def test_bills_of_materials_are_valid_and_name_all_that_is_installed(
    released: Path, program: str
) -> None:
    text = (released / f"quitus-{program}-0.1.0.dev0.cdx.json").read_text()

    bill = json.loads(text)
    named = {each["name"] for each in bill["components"]}
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    assert named == set(dependencies.components(program))
    assert all(each["licenses"] for each in bill["components"])
    # A workstation gets no database driver, and a collector no list of processes.
    assert ("sqlalchemy" in named, "psutil" in named) == (
        program == "collector",
        program == "agent",
    )


@pytest.mark.needs("openssl")
def test_a_signed_release_is_verified_and_a_changed_one_is_not(
    released: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "release"
    shutil.copytree(released, folder)
    private, public = keys(tmp_path)
    making.sign(folder, private)

    making.verify(folder, public)
    # As somebody checks it who has none of our tools.
    for command in (
        "sha256sum --check --quiet SHA256SUMS",
        f"openssl pkeyutl -verify -pubin -inkey {public} -rawin"
        " -in SHA256SUMS -sigfile SHA256SUMS.sig",
    ):
        subprocess.run(command.split(), cwd=folder, check=True, stdout=subprocess.DEVNULL)
    (wheel,) = folder.glob("*.whl")
    wheel.write_bytes(wheel.read_bytes() + b"x")
    with pytest.raises(ValueError, match="is not what was released"):
        making.verify(folder, public)
    (folder / making.DIGESTS).write_text("")
    with pytest.raises(ValueError, match="is not signed with this key"):
        making.verify(folder, public)


def test_every_dependency_is_under_a_licence_that_lets_it_be_used() -> None:
    used = dict.fromkeys(
        name for program in dependencies.PROGRAMS for name in dependencies.components(program)
    )

    refused = {
        name: licence
        for name, licence in dependencies.licences(used).items()
        if not dependencies.is_compatible(licence)
    }

    assert refused == {}


@pytest.mark.parametrize(
    ("expression", "may"),
    [
        ("MIT", True),
        ("Apache-2.0 OR GPL-3.0-only", True),
        ("Apache-2.0 AND GPL-3.0-only", False),
        ("Proprietary", False),
        ("not told", False),
    ],
)
def test_a_licence_is_compatible_or_not(expression: str, may: bool) -> None:
    assert dependencies.is_compatible(expression) is may


def test_the_list_of_licences_says_what_the_packages_say() -> None:
    listed = dict(
        line.strip("| \n").split(" | ")
        for line in making.LICENCES.read_text().splitlines()
        if line.startswith("| ") and "---" not in line
    )
    constraints = making.ROOT / "constraints"
    pins = {
        name for file in constraints.glob("*.txt") for name in dependencies.pinned(file.read_text())
    }

    said = dependencies.licences(pins - {"atheris"})

    assert {name: listed.get(name) for name in said} == said


def test_every_pin_has_its_digest() -> None:
    for file in (making.ROOT / "constraints").glob("*.txt"):
        text = file.read_text()
        blocks = text.split("\n")
        for number, line in enumerate(blocks):
            if "==" in line and not line.startswith((" ", "#")):
                assert "--hash=sha256:" in blocks[number + 1], line


def keys(folder: Path) -> tuple[Path, Path]:
    """A release key, private and public."""
    key = Ed25519PrivateKey.generate()
    private, public = folder / "release.pem", folder / "release.pub"
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    public.write_bytes(
        key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    )
    return private, public


def digests(folder: Path) -> dict[str, str]:
    return {each.name: hashlib.sha256(each.read_bytes()).hexdigest() for each in folder.iterdir()}


def test_fragments_become_the_changelog() -> None:
    drafted = subprocess.run(
        [Path(sys.executable).with_name("towncrier"), *["build", "--draft", "--version", "9.9.9"]],
        cwd=making.ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout

    assert drafted.startswith("## 9.9.9 (")
    for each in (making.ROOT / "changes").glob("*.*.md"):
        assert each.read_text().strip() in drafted, each
