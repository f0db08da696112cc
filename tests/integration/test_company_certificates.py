"""Which company certificates let a machine in, and under which name."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

from quitus_collector.adapters.authority import company as company_certificates
from quitus_collector.domain.device import CompanyAuthority
from quitus_collector.errors import EnrolmentRefused, InvalidRequest, UsageError
from quitus_collector.services.ports import CompanyProof
from tests.builders import NOON
from tests.makers import company
from tests.makers.company import DAY, Authority, Machine, upn

MESSAGE = b"what is signed"
PC = x509.DNSName("PC-1.corp.example")
ROOT = Authority("Mercure root", NOON)
ISSUING = Authority("Mercure issuing", NOON, above=ROOT)
OTHER = Authority("Mercure root", NOON)
LAPTOP = ISSUING.machine(PC)


def trusted(authority: Authority = ROOT, revocations: bytes = b"") -> CompanyAuthority:
    pem = authority.certificate.public_bytes(serialization.Encoding.PEM).decode()
    return CompanyAuthority("ad", pem, NOON, revocations=revocations.decode())


def proof_of(machine: Machine, message: bytes = MESSAGE) -> CompanyProof:
    if isinstance(machine.key, rsa.RSAPrivateKey):
        signature = machine.key.sign(message, padding.PKCS1v15(), hashes.SHA256())
    else:
        signature = machine.key.sign(message, ec.ECDSA(hashes.SHA256()))
    return CompanyProof(machine.chain, signature, NOON)


def name_of(machine: Machine, *authorities: CompanyAuthority, at: datetime = NOON) -> str:
    """The name under which the machine comes in."""
    known = authorities or (trusted(),)
    of, name = company_certificates.vouched(known, proof_of(machine), MESSAGE, at)
    assert of in known
    return name


def refused(machine: Machine, *authorities: CompanyAuthority, at: datetime = NOON) -> str:
    with pytest.raises(EnrolmentRefused) as raised:
        name_of(machine, *authorities, at=at)
    return str(raised.value)


@pytest.mark.parametrize(
    "key",
    [
        rsa.generate_private_key(65537, 2048),
        ec.generate_private_key(ec.SECP256R1()),
        ec.generate_private_key(ec.SECP384R1()),
    ],
    ids=["RSA", "P-256", "P-384"],
)
@pytest.mark.parametrize("issuer", [ROOT, ISSUING], ids=["root", "issuing"])
def test_a_machine_comes_in_under_its_dns_name(issuer: Authority, key: company.Key) -> None:
    assert name_of(issuer.machine(PC, key=key)) == "pc-1.corp.example"


def test_the_first_dns_name_counts_then_a_uri_then_a_windows_account() -> None:
    uri, account = x509.UniformResourceIdentifier("urn:pc:7"), upn("PC-1$@Corp.example")
    alias = x509.DNSName("files.corp.example")

    assert name_of(ROOT.machine(account, uri, PC, alias)) == "pc-1.corp.example"
    assert name_of(ROOT.machine(account, uri)) == "urn:pc:7"
    assert name_of(ROOT.machine(account)) == "pc-1$@corp.example"


@pytest.mark.parametrize(
    "name",
    [
        x509.RFC822Name("anne@corp.example"),
        upn(""),
        # A person's account, and web servers.
        upn("anne@corp.example"),
        x509.DNSName("*.corp.example"),
        # Not the kind of text that it has to be, and not a name that counts.
        x509.OtherName(company.UPN, b"\x16\x04PC-1"),
        x509.OtherName(x509.ObjectIdentifier("1.2.3"), b"\x0c\x04PC-1"),
    ],
)
def test_a_certificate_that_names_no_machine_lets_none_in(name: x509.GeneralName) -> None:
    assert "names no machine" in refused(ROOT.machine(name))


def test_of_two_authorities_the_one_that_issued_it_vouches() -> None:
    both = (trusted(OTHER), trusted(ROOT))

    assert company_certificates.vouched(both, proof_of(LAPTOP), MESSAGE, NOON)[0] == both[1]


def test_another_authority_of_the_same_name_lets_nobody_in() -> None:
    assert "not issued by an authority that this collector trusts" in refused(OTHER.machine(PC))


def test_without_an_authority_nobody_comes_in() -> None:
    with pytest.raises(EnrolmentRefused, match="takes no company certificates"):
        company_certificates.vouched([], proof_of(LAPTOP), MESSAGE, NOON)


def test_a_certificate_out_of_its_time_is_told_so() -> None:
    assert "ended on 2027-11-23" in refused(LAPTOP, at=NOON + 366 * DAY)
    assert "not valid before 2026-11-22" in refused(LAPTOP, at=NOON - 2 * DAY)
    early = Machine(LAPTOP.certificate, [], LAPTOP.key)
    assert "not issued by an authority" in refused(early)


@pytest.mark.parametrize("usage", [(), (company.SERVER,)], ids=["none", "servers"])
def test_a_certificate_for_something_else_lets_nobody_in(usage: tuple) -> None:
    assert refused(ROOT.machine(PC, usage=usage)) in (
        "the company certificate is not one for client authentication",
        "the company certificate was not issued by an authority that this collector trusts",
    )


def test_a_machine_is_no_authority() -> None:
    """Whoever has a machine's key could name any other."""
    forger = Authority("PC-1", NOON, above=None)
    forger.key, forger.name, forger.above = LAPTOP.key, LAPTOP.certificate.subject, ISSUING
    forged = forger.machine(x509.DNSName("pc-2.corp.example"))
    chain = Machine(forged.certificate, [LAPTOP.certificate, ISSUING.certificate], forged.key)

    assert "not issued by an authority" in refused(chain)


def test_who_shows_a_certificate_without_its_key_is_not_its_machine() -> None:
    thief = Machine(LAPTOP.certificate, LAPTOP.issuers, ec.generate_private_key(ec.SECP256R1()))

    assert "is not this device's" in refused(thief)
    with pytest.raises(EnrolmentRefused, match="is not this device's"):
        company_certificates.vouched([trusted()], proof_of(LAPTOP), b"something else", NOON)


@pytest.mark.parametrize("chain", [(), (b"",), (b"\x30\x82\xff\xff",)])
def test_what_is_no_certificate_is_refused(chain: tuple[bytes, ...]) -> None:
    with pytest.raises(InvalidRequest, match="malformed"):
        company_certificates.vouched([trusted()], CompanyProof(chain, b"", NOON), MESSAGE, NOON)


def test_a_key_of_another_kind_is_refused() -> None:
    """RFC 5280 would take it; the protocol does not say how it signs."""
    key = ed25519.Ed25519PrivateKey.generate()
    machine = ROOT.machine(PC, key=key)  # type: ignore[arg-type]

    with pytest.raises((InvalidRequest, EnrolmentRefused)):
        company_certificates.vouched(
            [trusted()], CompanyProof(machine.chain, b"", NOON), MESSAGE, NOON
        )


# --- Revocation lists ---


def test_a_revoked_certificate_lets_nobody_in_and_the_others_come() -> None:
    stolen = ISSUING.machine(PC)
    knowing = trusted(revocations=ISSUING.revocations(stolen))

    assert refused(stolen, knowing) == "the company certificate was revoked by its authority"
    assert name_of(LAPTOP, knowing)


def test_a_revoked_issuer_vouches_for_nobody() -> None:
    issuer = Machine(ISSUING.certificate, [], LAPTOP.key)
    knowing = trusted(revocations=ISSUING.revocations() + ROOT.revocations(issuer))

    assert "was revoked" in refused(LAPTOP, knowing)


def test_once_there_are_lists_one_of_the_issuer_has_to_be_there_and_in_its_time() -> None:
    assert "has no revocation list of CN=Mercure issuing" in refused(
        LAPTOP, trusted(revocations=ROOT.revocations())
    )
    assert "is too old" in refused(LAPTOP, trusted(revocations=ISSUING.revocations(ends=NOON)))


def test_a_list_that_another_authority_signed_counts_for_nothing() -> None:
    own, forged = ROOT.machine(PC), OTHER.revocations()

    assert "has no revocation list" in refused(own, trusted(revocations=forged))


def test_the_newest_of_several_lists_counts() -> None:
    older = Authority("Mercure root", NOON - DAY)
    older.key, older.certificate = ROOT.key, ROOT.certificate
    own = ROOT.machine(PC)
    lists = older.revocations(ends=NOON - timedelta(hours=1)) + ROOT.revocations()

    assert name_of(own, trusted(revocations=lists))


# --- Files ---


def test_files_are_read_in_both_encodings(tmp_path: Path) -> None:
    der = tmp_path / "root.cer"
    der.write_bytes(ROOT.certificate.public_bytes(serialization.Encoding.DER))
    crl = tmp_path / "root.crl"
    crl.write_bytes(
        x509.load_pem_x509_crl(ROOT.revocations()).public_bytes(serialization.Encoding.DER)
    )
    two = tmp_path / "two.pem"
    two.write_bytes(ROOT.revocations() + ISSUING.revocations())

    assert company_certificates.read_authority(der) == company_certificates.read_authority(
        ROOT.file(tmp_path)
    )
    lists = company_certificates.read_revocations([crl, two])
    assert lists.count("BEGIN X509 CRL") == 3
    ends = company_certificates.revocations_end(trusted(revocations=lists.encode()))
    assert ends == NOON + 7 * DAY
    assert company_certificates.revocations_end(trusted()) is None


def test_files_that_are_of_no_use_are_named(tmp_path: Path) -> None:
    machine, _ = LAPTOP.files(tmp_path / "m")
    text = tmp_path / "text"
    text.write_text("nothing")
    part = tmp_path / "part.crl"
    part.write_bytes(ROOT.revocations(extension=x509.DeltaCRLIndicator(1)))

    for file, complaint in (
        (machine, "is not the certificate of an authority"),
        (text, "is not what is expected here"),
        (tmp_path / "absent", "No such file"),
    ):
        with pytest.raises(UsageError, match=complaint) as raised:
            company_certificates.read_authority(file)
        assert str(file) in str(raised.value)
    with pytest.raises(UsageError, match=r"part\.crl: is a part of a revocation list"):
        company_certificates.read_revocations([part])
