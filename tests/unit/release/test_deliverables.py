"""All that a release hands out has its digest, its bill of materials and one signature."""

import json
import tarfile
from pathlib import Path

import pytest
import yaml
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from deploy.release import __main__ as making
from deploy.release import deliverables
from deploy.windows.runtime import PYTHON

MADE_AT = 1_700_000_000
# By the names that `make packages` and `make msi` give them; what is in them is no matter here.
PACKED = (
    "quitus-agent_1.0.0~rc1_amd64.deb",
    "quitus-agent-1.0.0~rc1-1.x86_64.rpm",
    "quitus-agent-1.0.0rc1-linux-x86_64.pyz",
    "quitus-agent-1.0.0rc1-x64.msi",
    "quitus-agent-1.0.0rc1-macos-arm64.tar.gz",
    "quitus-collector_1.0.0~rc1_amd64.deb",
    "quitus-1.0.0rc1-py3-none-any.whl",
    "quitus-1.0.0rc1.tar.gz",
)
CHART = "quitus-1.0.0-rc.1.tgz"


@pytest.fixture
def keys(tmp_path: Path) -> tuple[Path, Path]:
    """A release key, private and public."""
    key = Ed25519PrivateKey.generate()
    private, public = tmp_path / "release.pem", tmp_path / "release.pub"
    encoding, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    private.write_bytes(key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, plain))
    public.write_bytes(
        key.public_key().public_bytes(encoding, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    return private, public


@pytest.fixture
def released(tmp_path: Path, keys: tuple[Path, Path]) -> Path:
    folder = tmp_path / "dist"
    folder.mkdir()
    for name in PACKED:
        (folder / name).write_bytes(name.encode())
    deliverables.chart(folder, "1.0.0rc1", MADE_AT)
    making.finish(folder, "1.0.0rc1", MADE_AT)
    making.sign(folder, keys[0])
    return folder


def test_each_deliverable_has_a_digest_and_a_valid_bill_that_names_it(released: Path) -> None:
    digests = dict(
        reversed(line.split("  ")) for line in (released / making.DIGESTS).read_text().splitlines()
    )
    described = [each for each in (*PACKED, CHART) if not each.endswith((".whl", "rc1.tar.gz"))]

    assert {*PACKED, CHART} <= digests.keys()
    for name in described:
        text = (released / f"{name}{deliverables.BILL}").read_text()
        about = json.loads(text)["metadata"]["component"]
        assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
        assert about["hashes"] == [{"alg": "SHA-256", "content": digests[name]}]
        assert f"{name}{deliverables.BILL}" in digests


def test_a_bill_names_what_the_deliverable_brings_along(released: Path) -> None:
    def parts(name: str) -> dict[str, str]:
        bill = json.loads((released / f"{name}{deliverables.BILL}").read_text())
        return {each["name"]: each["version"] for each in bill.get("components", ())}

    assert "grpcio" in parts("quitus-agent_1.0.0~rc1_amd64.deb")
    assert "sqlalchemy" in parts("quitus-collector_1.0.0~rc1_amd64.deb")
    assert "python" not in parts("quitus-agent-1.0.0~rc1-1.x86_64.rpm")
    assert parts("quitus-agent-1.0.0rc1-x64.msi")["python"] == PYTHON.version
    assert parts(CHART) == {}


def test_one_file_that_was_changed_is_refused_whichever_it_is(
    released: Path, keys: tuple[Path, Path]
) -> None:
    making.verify(released, keys[1])
    for file in sorted(released.iterdir()):
        content = file.read_bytes()
        file.write_bytes(content + b"x")
        with pytest.raises(ValueError, match=r"is not what was released|is not signed"):
            making.verify(released, keys[1])
        file.write_bytes(content)


def test_one_that_is_missing_or_was_added_is_refused(
    released: Path, keys: tuple[Path, Path]
) -> None:
    (released / "quitus-agent-9.9.9-x64.msi").write_bytes(b"of somebody else")
    with pytest.raises(ValueError, match=r"9\.9\.9-x64\.msi is not what was released"):
        making.verify(released, keys[1])
    (released / "quitus-agent-9.9.9-x64.msi").unlink()

    (released / CHART).unlink()
    with pytest.raises(ValueError, match=r"quitus-1\.0\.0-rc\.1\.tgz is missing"):
        making.verify(released, keys[1])


def test_the_chart_is_of_the_releases_version_and_the_same_bytes_each_time(
    released: Path, tmp_path: Path
) -> None:
    with tarfile.open(released / CHART) as opened:
        about = opened.extractfile("quitus/Chart.yaml")
        assert about is not None
        chart = yaml.safe_load(about)

    assert (chart["version"], chart["appVersion"]) == ("1.0.0-rc.1", "1.0.0-rc.1")
    again = deliverables.chart(tmp_path, "1.0.0rc1", MADE_AT)
    assert again.read_bytes() == (released / CHART).read_bytes()


@pytest.mark.needs("ansible")
def test_the_collection_is_of_the_releases_version_and_the_same_bytes_each_time(
    tmp_path: Path,
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    for each in (first, second):
        each.mkdir()
        deliverables.collection(each, "1.0.0rc1", MADE_AT)

    (made,) = first.iterdir()
    assert made.name == "quitus-deploy-1.0.0-rc.1.tar.gz"
    assert made.read_bytes() == (second / made.name).read_bytes()
    with tarfile.open(made) as opened:
        assert {"MANIFEST.json", "roles/agent/tasks/main.yml"} <= set(opened.getnames())


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("1.2.3", "1.2.3"),
        ("1.2.3rc4", "1.2.3-rc.4"),
        ("0.1.0.dev5", "0.1.0-dev.5"),
        ("2.0", "2.0.0"),
    ],
)
def test_versions_are_as_helm_and_ansible_want_them(version: str, expected: str) -> None:
    assert deliverables.semantic(version) == expected
