"""The agent's installer for Windows, signed and verified as the guide says."""

import re
import shlex
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.x509.oid import ExtendedKeyUsageOID

from deploy.windows import installer
from tests.makers.signing import Authority

pytestmark = [pytest.mark.needs("wixl"), pytest.mark.needs("osslsigncode")]

GUIDE = Path("docs/guide/fr/windows-gpo.md")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What the guide takes for given: a package, the company's certificate, its authority."""
    laid_out = tmp_path / "laid-out"
    laid_out.mkdir()
    (laid_out / "agent.py").write_text("pass")
    installer.build(laid_out, "0.1.0", tmp_path / "dist/quitus-agent-0.1.0-x64.msi")
    authority = Authority(datetime.now(UTC))
    company = authority.certify("Mercure", purposes=(ExtendedKeyUsageOID.CODE_SIGNING,))
    key = company.key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    for name, content in (
        ("entreprise.pem", company.pem),
        ("entreprise.key", key),
        ("autorite.pem", authority.pem),
    ):
        (tmp_path / name).write_bytes(content)
    return tmp_path


def run(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        shlex.split(command), cwd=folder, capture_output=True, text=True, check=False
    )


def test_a_package_is_signed_and_verified_as_the_guide_says(folder: Path) -> None:
    sign, verify = re.findall(r"(?m)^osslsigncode .*", GUIDE.read_text(encoding="utf-8"))
    # The service that the guide names is not there.
    signed = run(re.sub(r" -ts \S+", "", sign), folder)

    assert signed.returncode == 0, signed
    verified = run(verify, folder)
    assert verified.returncode == 0, verified
    package = folder / "quitus-agent.msi"
    content = bytearray(package.read_bytes())
    content[len(content) // 2] ^= 1
    package.write_bytes(content)
    assert run(verify, folder).returncode != 0
