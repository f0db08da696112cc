"""A directory of the tests' own: OpenLDAP's slapd over TLS, with what computers have in AD.

The schema has Active Directory's own numbers; `objectCategory` is a word, since AD alone takes one
for the name of a class. `PASSWORD` is that of the accounts `quitus` and `bridé`, who gets three
entries.
"""

import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.makers.company import certificate_builder
from tests.makers.signing import Authority
from tests.waiting import until

SLAPD = shutil.which("slapd") or "/usr/sbin/slapd"
BASE, PASSWORD = "DC=exemple,DC=fr", "sésame"
ACCOUNT, LIMITED = f"CN=quitus,{BASE}", f"CN=bridé,{BASE}"
SCHEMA = """\
attributetype ( 1.2.840.113556.1.4.146 NAME 'objectCategory' EQUALITY caseIgnoreMatch
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 SINGLE-VALUE )
attributetype ( 1.2.840.113556.1.4.8 NAME 'userAccountControl' EQUALITY integerMatch
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.27 SINGLE-VALUE )
attributetype ( 1.2.840.113556.1.4.1696 NAME 'lastLogonTimestamp' EQUALITY integerMatch
  ORDERING integerOrderingMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.27 SINGLE-VALUE )
attributetype ( 1.2.840.113556.1.4.363 NAME 'operatingSystem' EQUALITY caseIgnoreMatch
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 SINGLE-VALUE )
attributetype ( 1.2.840.113556.1.4.619 NAME 'dNSHostName' EQUALITY caseIgnoreMatch
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 SINGLE-VALUE )
objectclass ( 1.2.840.113556.1.3.30 NAME 'computer' SUP top STRUCTURAL MUST cn
  MAY ( objectCategory $ userAccountControl $ lastLogonTimestamp $ operatingSystem $ dNSHostName
  $ l ) )
"""
SETTINGS = """\
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include {folder}/ad.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile {folder}/slapd.pid
referral ldap://ailleurs.example
{tls}
database mdb
suffix "{base}"
directory {folder}/data
maxsize 16777216
limits dn.exact="{limited}" size.hard=3 size.prtotal=3
access to attrs=userPassword by anonymous auth
access to * by users read
"""
PEOPLE = f"""\
dn: {BASE}
objectClass: domain
dc: exemple

dn: OU=Évry,{BASE}
objectClass: organizationalUnit

dn: OU=Filiale,OU=Évry,{BASE}
objectClass: organizationalUnit

dn: {ACCOUNT}
objectClass: person
sn: quitus
userPassword: {PASSWORD}

dn: {LIMITED}
objectClass: person
sn: bridé
userPassword: {PASSWORD}

dn: DC=enfant,{BASE}
objectClass: referral
objectClass: extensibleObject
ref: ldap://enfant.exemple.fr/DC=enfant,{BASE}

dn: DC=DomainDnsZones,{BASE}
objectClass: referral
objectClass: extensibleObject
ref: ldap://exemple.fr/DC=DomainDnsZones,{BASE}
"""


class Computer:
    """What Active Directory has of one; `days` since it logged on, None for never."""

    def __init__(
        self,
        name: str,
        system: str = "",
        *,
        days: int | None = 1,
        place: str = "",
        enabled: bool = True,
        category: str = "computer",
        site: str = "",
    ) -> None:
        told = {
            "objectClass": "computer",
            "objectCategory": category,
            "userAccountControl": str(4096 | (0 if enabled else 2)),
            "operatingSystem": system,
            "dNSHostName": f"{name.lower()}.exemple.fr",
            "l": site,
        }
        if days is not None:
            since = datetime.now(UTC) - timedelta(days=days) - datetime(1601, 1, 1, tzinfo=UTC)
            told["lastLogonTimestamp"] = str(since // timedelta(microseconds=1) * 10)
        lines = [f"dn: CN={name},{place}{BASE}"]
        self.ldif = "\n".join(lines + [f"{key}: {value}" for key, value in told.items() if value])


class DirectoryServer:
    """`ldaps` and `ldap` are its addresses; `authority` is the file of who vouches for it."""

    def __init__(self, ldaps: str, ldap: str, authority: Path) -> None:
        self.ldaps, self.ldap, self.authority = ldaps, ldap, authority


@contextmanager
def serving(
    folder: Path,
    *computers: Computer,
    host: str = "localhost",
    ends: timedelta = timedelta(days=1),
    tls: bool = True,
) -> Iterator[DirectoryServer]:
    """A server with these computers; its certificate is for `host` and ends in that time."""
    (folder / "data").mkdir(parents=True)
    (folder / "ad.schema").write_text(SCHEMA)
    authority = _certify(folder, host, ends)
    names = {"Certificate": "server.pem", "CertificateKey": "server.key"}
    lines = [f"TLS{name}File {folder / file}" for name, file in names.items() if tls]
    settings = folder / "slapd.conf"
    settings.write_text(
        SETTINGS.format(folder=folder, base=BASE, limited=LIMITED, tls="\n".join(lines))
    )
    entries = folder / "entries.ldif"
    entries.write_text("\n\n".join([PEOPLE.strip(), *(each.ldif for each in computers)]) + "\n")
    add = [SLAPD, "-T", "add", "-f", settings, "-l", entries, "-q"]
    subprocess.run(add, check=True, capture_output=True)
    plain, secure = _free_port(), _free_port()
    urls = f"ldap://127.0.0.1:{plain}/" + (f" ldaps://127.0.0.1:{secure}/" if tls else "")
    with subprocess.Popen([SLAPD, "-f", settings, "-h", urls, "-d", "0"]) as process:
        try:
            assert until(lambda: _answers(plain))
            yield DirectoryServer(
                f"ldaps://localhost:{secure}", f"ldap://localhost:{plain}", authority
            )
        finally:
            process.terminate()


def _certify(folder: Path, host: str, ends: timedelta) -> Path:
    now = datetime.now(UTC)
    authority, key = Authority(now), ec.generate_private_key(ec.SECP256R1())
    named = x509.SubjectAlternativeName([x509.DNSName(host)])
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, host)])
    certificate = (
        certificate_builder(subject, authority.name, key, now - timedelta(days=2), now + ends)
        .add_extension(named, critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key()),
            critical=False,
        )
        .sign(authority.key, hashes.SHA256())
    )
    (folder / "server.pem").write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM) + authority.pem
    )
    (folder / "server.key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    file = folder / "authority.pem"
    file.write_bytes(authority.pem)
    return file


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False
