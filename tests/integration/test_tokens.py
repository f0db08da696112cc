"""The seal by a token: SoftHSM's, a security module in software behind the real interface."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pkcs11
import pytest
from asn1crypto import cms
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from quitus_collector import config
from quitus_collector.adapters.seal import pades
from quitus_collector.domain.verification import Level
from quitus_collector.errors import SealError
from quitus_collector.wiring import declaration as wiring
from quitus_collector.wiring.collector import Collector
from tests.makers.declarations import a_whole_declaration
from tests.makers.signing import DAY, Certified
from tests.tsa import TimestampServer, timestamp_server

pytestmark = [pytest.mark.needs("softhsm"), pytest.mark.xdist_group("token")]
MODULE = "/usr/lib/softhsm/libsofthsm2.so"
PIN = "4711"


class Tokens:
    """Tokens in a folder of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def add(self, name: str, label: str, certified: Certified, *others: Certified) -> None:
        """A token with a key and its certificate under one label; `others` without keys."""
        run("--init-token", "--free", "--label", name, "--pin", PIN, "--so-pin", PIN)
        pkcs11.lib(MODULE).reinitialize()
        key = self.folder / f"{name}.key"
        key.write_bytes(
            certified.key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        into = ("--token", name, "--label", label, "--id", "01", "--pin", PIN)
        run("--import", str(key), *into)
        with pkcs11.lib(MODULE).get_token(token_label=name).open(user_pin=PIN, rw=True) as session:
            for number, each in enumerate((certified, *others)):
                session.create_object(
                    {
                        pkcs11.Attribute.CLASS: pkcs11.ObjectClass.CERTIFICATE,
                        pkcs11.Attribute.CERTIFICATE_TYPE: pkcs11.CertificateType.X_509,
                        pkcs11.Attribute.TOKEN: True,
                        pkcs11.Attribute.LABEL: f"{label} {number}" if number else label,
                        pkcs11.Attribute.SUBJECT: each.certificate.subject.public_bytes(),
                        pkcs11.Attribute.VALUE: each.der,
                    }
                )


def run(*words: str) -> None:
    subprocess.run(["softhsm2-util", *words], check=True, capture_output=True)


@pytest.fixture(scope="module")
def tsa() -> Iterator[TimestampServer]:
    with timestamp_server() as server:
        yield server


@contextmanager
def in_folder(folder: Path) -> Iterator[None]:
    """SoftHSM reads its settings when a process first uses it."""
    (folder / "tokens").mkdir()
    settings = folder / "softhsm2.conf"
    settings.write_text(f"directories.tokendir = {folder / 'tokens'}\nobjectstore.backend = file\n")
    os.environ["SOFTHSM2_CONF"] = str(settings)
    yield
    del os.environ["SOFTHSM2_CONF"]


@pytest.fixture(scope="module")
def tokens(tmp_path_factory: pytest.TempPathFactory, tsa: TimestampServer) -> Iterator[Tokens]:
    folder = tmp_path_factory.mktemp("softhsm")
    with in_folder(folder):
        made, authority = Tokens(folder), tsa.authority
        stranger = authority.certify("Un autre service")
        made.add(
            "Quitus", "declaration", authority.certify("Ateliers Mercure"), authority, stranger
        )
        key = rsa.generate_private_key(65537, 2048)
        made.add("Ancien", "declaration", authority.certify("Ateliers Mercure", key=key))
        over = authority.certify("Ateliers Mercure", ends=authority.now - DAY)
        made.add("Fini", "declaration", over)
        yield made
        pkcs11.unload(MODULE)


def collector(home: Path, tsa: TimestampServer, text: str = "", **fields: str) -> Collector:
    (home / "roots.pem").write_bytes(tsa.authority.pem)
    pin = home / "pin"
    pin.touch(0o600)
    pin.write_text(f"{PIN}\n")
    settings = {"module": MODULE, "token": "Quitus", "label": "declaration", "pin_file": "pin"}
    lines = [f'{name} = "{value}"' for name, value in (settings | fields).items()]
    (home / config.FILE).write_text("\n".join(["[seal]", *lines, text]))
    return Collector(config.load(home, {}, {}))


@pytest.mark.parametrize("token", ["Quitus", "Ancien"])
def test_a_token_seals_as_a_file_does(
    tmp_path: Path, tsa: TimestampServer, tokens: Tokens, token: str
) -> None:
    text = f'timestamp_url = "{tsa.url}/stamp"\ntrust = "roots.pem"\nlong_term = true'
    declaration, _ = a_whole_declaration()

    made = collector(tmp_path, tsa, text, token=token)

    found = wiring.seal(made, declaration)
    with wiring.credential(made) as by:
        assert by is not None
        receipt = pades.attest(b"recu", by)

    assert found.verification.level is Level.B_LT
    assert found.verification.passed
    assert (
        cms.ContentInfo.load(receipt)["content"]["encap_content_info"]["content"].native == b"recu"
    )
    assert b"Un autre service" not in found.pdf


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"token": "Perdu"}, "no token is called 'Perdu'; there are: Ancien, Fini, Quitus"),
        ({"token": ""}, "seal.token has to name one; there are: Ancien, Fini, Quitus"),
        ({"label": "autre"}, "the token Quitus: no certificate under the label 'autre'"),
        ({"label": "declaration 1"}, "no key to sign with under the label 'declaration 1'"),
        ({"token": "Fini"}, "the token Fini: the certificate of Ateliers Mercure ended on"),
        ({"module": "/usr/lib/none.so"}, "/usr/lib/none.so: cannot be used as a PKCS#11 module"),
        ({"pin_file": "none"}, "none: No such file or directory"),
    ],
)
def test_what_is_missing_is_said_and_nothing_is_sealed(
    tmp_path: Path, tsa: TimestampServer, tokens: Tokens, fields: dict[str, str], said: str
) -> None:
    declaration, _ = a_whole_declaration()

    with pytest.raises(SealError) as told:
        wiring.seal(collector(tmp_path, tsa, **fields), declaration)

    assert said in str(told.value)
    assert "\n" not in str(told.value)


def test_a_wrong_pin_is_tried_once_and_said(
    tmp_path: Path, tsa: TimestampServer, tokens: Tokens
) -> None:
    made = collector(tmp_path, tsa)
    (tmp_path / "pin").write_text("1234\n")
    declaration, _ = a_whole_declaration()

    with pytest.raises(SealError, match=r"the token Quitus: its PIN is not the one in .*/pin"):
        wiring.seal(made, declaration)

    (tmp_path / "pin").write_text(f"{PIN}\n")
    assert wiring.seal(made, declaration).verification.level is Level.B_B
