#!/usr/bin/env python3
"""Verifies a Quitus declaration, off-line and without Quitus: this one file is enough.

    python3 quitus_verify.py FILE.pdf [--proof P.json] [--trust CA.pem] [--format json]

Python 3.11 or newer; the signature and the timestamp also need the package `cryptography`, and
fail without it. The formats are those of docs/declaration.md. It shares no code with the programs
that make declarations, so that a mistake in the one is not a mistake in the other. It reads the
PDFs that they write: tables of objects in the classic form, files compressed by Flate. Revocation
it does not judge. Exit status: 0 all holds, 1 something does not, 2 wrong usage.
"""

import argparse
import csv
import hashlib
import io
import json
import re
import sys
import zlib
from datetime import UTC, datetime
from pathlib import Path

try:
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
except ImportError:  # what needs it says so
    x509 = None  # type: ignore[assignment]

PASSED, FAILED, ABSENT, UNKNOWN = "passed", "failed", "absent", "unknown"
JSON_FILE, CSV_FILE = "declaration.json", "lines.csv"
COLUMNS = ("product", "label", "metric", "installed", "required", "entitled", "consumed")
CHANNELS = ("volume", "full_package", "oem", "subscription", "used", "unstated")
COLUMNS = (*COLUMNS[:-1], *(f"entitled_{channel}" for channel in CHANNELS), COLUMNS[-1])
COLUMNS += ("available", "missing", "state", "reason", "confidence")
MOST = 2**63
MOST_BYTES = 256 * 1024 * 1024


class Wrong(Exception):
    """A check does not hold; the text says why."""


# --- PDF: the objects of a file whose tables of objects are in the classic form ---

TOKEN = re.compile(
    rb"[\0\t\n\f\r ]*(?:%[^\r\n]*[\r\n]+[\0\t\n\f\r ]*)*"
    rb"(<<|>>|\[|\]|<[0-9A-Fa-f\s]*>|/[^\0\t\n\f\r ()<>\[\]{}/%]*|\(|[^\0\t\n\f\r ()<>\[\]{}/%]+)"
)
REFERENCE = re.compile(rb"(\d{1,9})[\0\t\n\f\r ]+(\d{1,5})[\0\t\n\f\r ]+R(?![A-Za-z])")
ESCAPES = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}


class Reference(int):
    """The number of an object."""


class Name(str):
    """A name, with its slash."""


class PDF:
    """A file's objects by number, the newest of each."""

    def __init__(self, content):
        """Reads the tables; raises Wrong."""
        self.content = content
        self.offsets = {}
        self.trailer = {}
        if not content.startswith(b"%PDF-"):
            raise Wrong("it is not a PDF")
        found = re.search(rb"startxref\s+(\d+)\s+%%EOF\s*\Z", content[-64:])
        if not found:
            raise Wrong("the PDF has no end")
        at, seen = int(found[1]), set()
        while at is not None and at not in seen:
            seen.add(at)
            at = self._table(at)

    def _table(self, at):
        if not self.content.startswith(b"xref", at):
            raise Wrong("the PDF has a table of objects of a form that is not read here")
        at += 4
        while True:
            head = re.compile(rb"\s*(\d+)\s+(\d+)\s*?\r?\n?").match(self.content, at)
            if not head:
                break
            first, count, at = int(head[1]), int(head[2]), head.end()
            for number in range(first, first + count):
                entry = re.compile(rb"\s*(\d{10}) (\d{5}) ([nf])").match(self.content, at)
                if not entry:
                    raise Wrong("the PDF's table of objects is damaged")
                at = entry.end()
                if entry[3] == b"n":
                    self.offsets.setdefault(number, int(entry[1]))
        start = re.compile(rb"\s*trailer").match(self.content, at)
        if not start:
            raise Wrong("the PDF has no trailer")
        trailer, _ = self.value(start.end())
        self.trailer = {**trailer, **self.trailer}
        return trailer.get("/Prev")

    def value(self, at, depth=0):
        """The value at a place, and where it ends."""
        if depth > 50:
            raise Wrong("the PDF is nested too deep")
        space = TOKEN.match(self.content, at)
        if not space:
            raise Wrong("the PDF is damaged")
        start = space.start(1)
        reference = REFERENCE.match(self.content, start)
        if reference:
            return Reference(int(reference[1])), reference.end()
        token, end = space[1], space.end()
        if token == b"<<":
            return self._dictionary(end, depth)
        if token == b"[":
            items = []
            while True:
                closing = TOKEN.match(self.content, end)
                if closing and closing[1] == b"]":
                    return items, closing.end()
                item, end = self.value(end, depth + 1)
                items.append(item)
        if token == b"(":
            return self._string(end)
        if token.startswith(b"<"):
            digits = b"".join(token[1:-1].split())
            return bytes.fromhex((digits + b"0" * (len(digits) % 2)).decode()), end
        if token.startswith(b"/"):
            name = re.sub(rb"#([0-9A-Fa-f]{2})", lambda m: bytes([int(m[1], 16)]), token)
            return Name(name.decode("utf-8", "replace")), end
        if re.fullmatch(rb"[+-]?\d+", token):
            return int(token), end
        if re.fullmatch(rb"[+-]?\d*\.?\d*", token):
            return float(token or 0), end
        known = {b"true": True, b"false": False, b"null": None}
        if token not in known:
            raise Wrong("the PDF is damaged")
        return known[token], end

    def _dictionary(self, at, depth):
        found = {}
        while True:
            key = TOKEN.match(self.content, at)
            if not key:
                raise Wrong("the PDF is damaged")
            if key[1] == b">>":
                return found, key.end()
            name, at = self.value(at, depth + 1)
            found[name], at = self.value(at, depth + 1)

    def _string(self, at):
        out, depth = bytearray(), 1
        while at < len(self.content):
            byte = self.content[at : at + 1]
            at += 1
            if byte == b"\\":
                escape = self.content[at : at + 1]
                octal = re.compile(rb"[0-7]{1,3}").match(self.content, at)
                if octal:
                    out.append(int(octal[0], 8) & 255)
                    at = octal.end()
                    continue
                at += 1
                out += b"" if escape in b"\r\n" else ESCAPES.get(escape, escape)
                continue
            depth += (byte == b"(") - (byte == b")")
            if not depth:
                return bytes(out), at
            out += byte
        raise Wrong("the PDF is damaged")

    def get(self, value):
        """The value, looked up where it is a reference."""
        for _ in range(20):
            if not isinstance(value, Reference):
                return value
            value = self._object(value)[0]
        raise Wrong("the PDF refers in a circle")

    def _object(self, number):
        if number not in self.offsets:
            return None, 0
        head = re.compile(rb"\s*(\d+)\s+\d+\s+obj").match(self.content, self.offsets[number])
        if not head or int(head[1]) != number:
            raise Wrong("the PDF's table of objects is damaged")
        return self.value(head.end())

    def stream(self, reference):
        """The bytes of a stream, unpacked."""
        found, end = self._object(reference)
        start = re.compile(rb"\s*stream\r?\n").match(self.content, end)
        length = self.get(found.get("/Length")) if isinstance(found, dict) else None
        if not start or not isinstance(length, int):
            raise Wrong("the PDF is damaged")
        packed = self.content[start.end() : start.end() + length]
        kind = self.get(found.get("/Filter"))
        if kind in (None, []):
            return packed
        if kind not in ("/FlateDecode", ["/FlateDecode"]) or found.get("/DecodeParms"):
            raise Wrong("a file inside is packed in a way that is not read here")
        try:
            return zlib.decompressobj().decompress(packed, MOST_BYTES)
        except zlib.error as error:
            raise Wrong("a file inside is damaged") from error

    def root(self):
        """The document's root."""
        return self.get(self.trailer.get("/Root")) or {}

    def files(self):
        """The files inside, by name."""
        found = {}
        for each in self.get(self.root().get("/AF")) or []:
            specification = self.get(each)
            name = text(self.get(specification["/UF"]))
            found[name] = self.stream(self.get(specification["/EF"])["/F"])
        return found

    def keywords(self):
        """What the keywords say, in parts."""
        information = self.get(self.trailer.get("/Info")) or {}
        return text(self.get(information.get("/Keywords", b""))).split(", ")

    def signature(self):
        """The dictionary of the only signature; raises Wrong."""
        form = self.get(self.root().get("/AcroForm")) or {}
        found = [self.get(each) for each in self.get(form.get("/Fields")) or []]
        signed = [self.get(each["/V"]) for each in found if "/V" in each]
        signed = [each for each in signed if "/ByteRange" in each]
        if len(signed) != 1:
            raise Wrong(f"the PDF has {len(signed)} signatures" if signed else "it is not signed")
        return signed[0]


def text(value):
    """A PDF string as text."""
    if value.startswith(b"\xfe\xff"):
        return value[2:].decode("utf-16-be", "replace")
    return value.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace")


# --- DER and CMS (RFC 5652), timestamps (RFC 3161) ---


class Node:
    """One DER value: its tag, what is in it, and how it is written."""

    def __init__(self, content, at=0):
        """Reads one value; raises Wrong where it is none."""
        try:
            self.tag, length, start = content[at], content[at + 1], at + 2
            if length & 0x80:
                size = length & 0x7F
                length = int.from_bytes(content[start : start + size], "big")
                start += size
                if length < 0x80 or length >> 8 * (size - 1) == 0:
                    raise Wrong("the signature is malformed")
        except IndexError as error:
            raise Wrong("the signature is malformed") from error
        self.end = start + length
        if self.end > len(content):
            raise Wrong("the signature is malformed")
        self.value = content[start : self.end]
        self.raw = content[at : self.end]

    def __iter__(self):
        """Its parts."""
        at = 0
        while at < len(self.value):
            part = Node(self.value, at)
            yield part
            at = part.end

    def __getitem__(self, number):
        """One of its parts; raises Wrong."""
        parts = list(self)
        if number >= len(parts):
            raise Wrong("the signature is malformed")
        return parts[number]

    def of(self, tag):
        """Itself, if it has this tag; raises Wrong."""
        if self.tag != tag:
            raise Wrong("the signature is malformed")
        return self

    def oid(self):
        """As dotted numbers."""
        self.of(OBJECT)
        numbers, number = [], 0
        for byte in self.value:
            number = number << 7 | byte & 0x7F
            if not byte & 0x80:
                numbers.append(number)
                number = 0
        first = min(numbers[0] // 40, 2) if numbers else 0
        return ".".join(map(str, [first, numbers[0] - 40 * first, *numbers[1:]]))


OBJECT, INTEGER, OCTETS, SEQUENCE, SET, TIME = 0x06, 0x02, 0x04, 0x30, 0x31, 0x18
FIRST, SECOND = 0xA0, 0xA1  # fields that are marked by a number
HASHES = {
    "2.16.840.1.101.3.4.2.1": "sha256",
    "2.16.840.1.101.3.4.2.2": "sha384",
    "2.16.840.1.101.3.4.2.3": "sha512",
}
ECDSA = {"1.2.840.10045.4.3.2": "sha256", "1.2.840.10045.4.3.3": "sha384"}
ECDSA["1.2.840.10045.4.3.4"] = "sha512"
RSA = {"1.2.840.113549.1.1.1": "", "1.2.840.113549.1.1.11": "sha256"}
RSA |= {"1.2.840.113549.1.1.12": "sha384", "1.2.840.113549.1.1.13": "sha512"}
PSS, ED25519 = "1.2.840.113549.1.1.10", "1.3.101.112"
SIGNED_DATA, CONTENT_TYPE = "1.2.840.113549.1.7.2", "1.2.840.113549.1.9.3"
MESSAGE_DIGEST, CERTIFICATE_V2 = "1.2.840.113549.1.9.4", "1.2.840.113549.1.9.16.2.47"
CERTIFICATE_V1, TOKEN_OF_TIME = "1.2.840.113549.1.9.16.2.12", "1.2.840.113549.1.9.16.2.14"
TIME_CONTENT, TIME_PURPOSE = "1.2.840.113549.1.9.16.1.4", "1.3.6.1.5.5.7.3.8"


class Signed:
    """CMS SignedData with one signer."""

    def __init__(self, der):
        """Takes it apart; raises Wrong."""
        outer = Node(der).of(SEQUENCE)
        if der[outer.end :].strip(b"\0"):
            raise Wrong("something lies behind the signature")
        if outer[0].oid() != SIGNED_DATA:
            raise Wrong("the signature is malformed")
        parts = list(outer[1].of(FIRST)[0].of(SEQUENCE))
        self.kind = parts[2].of(SEQUENCE)[0].oid()
        inner = list(parts[2])
        self.content = inner[1].of(FIRST)[0].of(OCTETS).value if len(inner) > 1 else None
        self.certificates = [*certificates(part for part in parts if part.tag == FIRST)]
        signers = list(parts[-1].of(SET))
        if len(signers) != 1:
            raise Wrong("the signature is not of one signer")
        info = list(signers[0].of(SEQUENCE))
        self.identity, self.algorithm = info[1].of(SEQUENCE), HASHES.get(info[2][0].oid())
        if self.algorithm is None or info[3].tag != FIRST:
            raise Wrong("the signature is of a kind that is not trusted here")
        self.attributes = attributes(info[3])
        self.to_sign = b"\x31" + info[3].raw[1:]
        self.method, self.signature = info[4].of(SEQUENCE), info[5].of(OCTETS).value
        self.unsigned = attributes(info[6].of(SECOND)) if len(info) > 6 else {}

    def signer(self):
        """The certificate of who signed; it must be the one that the signature is about."""
        for each in self.certificates:
            serial = int.from_bytes(self.identity[1].value, "big", signed=True)
            issuer = self.identity[0].raw
            if each.serial_number == serial and each.issuer.public_bytes() == issuer:
                if not self._is_bound(each):
                    raise Wrong("the certificate is not the one that signed")
                return each
        raise Wrong("the signer's certificate is not there")

    def _is_bound(self, certificate):
        der = certificate.public_bytes(encoding())
        if CERTIFICATE_V2 in self.attributes:
            parts = list(self.attributes[CERTIFICATE_V2][0][0])
            named = parts[0].tag == 0x30 and len(parts) > 1 and parts[1].tag == 0x04
            algorithm = HASHES.get(parts[0][0].oid()) if named else "sha256"
            digest = parts[1] if named else parts[0]
            return algorithm and hashlib.new(algorithm, der).digest() == digest.value
        if CERTIFICATE_V1 in self.attributes:
            digest = self.attributes[CERTIFICATE_V1][0][0][0]
            return hashlib.sha1(der).digest() == digest.value  # noqa: S324 - as RFC 2634 has it
        return False

    def check(self, *content):
        """Raises Wrong unless it signs this content, in these pieces; returns the signer."""
        digest = hashlib.new(self.algorithm)
        for piece in content:
            digest.update(piece)
        stated = self.attributes.get(MESSAGE_DIGEST)
        content_type = self.attributes.get(CONTENT_TYPE)
        if content_type is None or content_type.oid() != self.kind:
            raise Wrong("the signature is not about what it holds")
        if stated is None or stated.of(OCTETS).value != digest.digest():
            raise Wrong("the document is not the one that was signed")
        signer = self.signer()
        try:
            self._verify(signer.public_key())
        except InvalidSignature as error:
            raise Wrong("the document is not the one that was signed") from error
        return signer

    def _verify(self, key):
        method = self.method[0].oid()
        if method in RSA and isinstance(key, rsa.RSAPublicKey):
            algorithm = hash_of(RSA[method] or self.algorithm)
            key.verify(self.signature, self.to_sign, padding.PKCS1v15(), algorithm)
        elif method == PSS and isinstance(key, rsa.RSAPublicKey):
            algorithm = hash_of(self.algorithm)
            scheme = padding.PSS(padding.MGF1(algorithm), padding.PSS.AUTO)
            key.verify(self.signature, self.to_sign, scheme, algorithm)
        elif method in ECDSA and isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(self.signature, self.to_sign, ec.ECDSA(hash_of(ECDSA[method])))
        elif method == ED25519 and isinstance(key, ed25519.Ed25519PublicKey):
            key.verify(self.signature, self.to_sign)
        else:
            raise Wrong("the signature is of a kind that is not trusted here")


def certificates(parts):
    """Those that can be read: nothing vouches for the others, and nobody needs them to."""
    for part in parts:
        for each in part:
            try:
                yield x509.load_der_x509_certificate(each.raw)
            except ValueError:
                continue


def attributes(node):
    """The values of attributes, by name; raises Wrong where one has several."""
    found = {}
    for each in node:
        name, values = each.of(SEQUENCE)[0].oid(), list(each[1].of(SET))
        if name in found or len(values) != 1 or len(list(each)) != 2:
            raise Wrong("the signature is malformed")
        found[name] = values[0]
    return found


def encoding():
    """DER, as `cryptography` calls it."""
    from cryptography.hazmat.primitives.serialization import Encoding

    return Encoding.DER


def hash_of(name):
    """A hash as `cryptography` calls it."""
    return {"sha256": hashes.SHA256(), "sha384": hashes.SHA384(), "sha512": hashes.SHA512()}[name]


def name_of(certificate):
    """Who it was issued to: the organisation, else the common name."""
    for kind in ("2.5.4.10", "2.5.4.3"):
        for found in certificate.subject.get_attributes_for_oid(x509.ObjectIdentifier(kind)):
            return found.value
    return certificate.subject.rfc4514_string()


def extension(certificate, kind):
    """An extension's value, or None."""
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def is_vouched_for(certificate, others, roots, moment, depth=0):
    """Whether a chain of certificates, all good at that moment, leads to one of the roots."""
    if not certificate.not_valid_before_utc <= moment <= certificate.not_valid_after_utc:
        return False
    if certificate in roots:
        return True
    for issuer in [*roots, *others] if depth < 8 else []:
        constraints, usage = (
            extension(issuer, x509.BasicConstraints),
            extension(issuer, x509.KeyUsage),
        )
        if constraints is None or not constraints.ca or (usage and not usage.key_cert_sign):
            continue
        if constraints.path_length is not None and constraints.path_length < depth:
            continue
        try:
            certificate.verify_directly_issued_by(issuer)
        except (ValueError, TypeError, InvalidSignature):
            continue
        if is_vouched_for(issuer, others, roots, moment, depth + 1):
            return True
    return False


def check_seal(pdf, roots):
    """The level that was reached, and the checks of signature, certificate and timestamp."""
    if x509 is None:
        raise Wrong("the Python package `cryptography` is needed to check it")
    found = pdf.signature()
    if found.get("/SubFilter") != "/ETSI.CAdES.detached":
        raise Wrong("the signature is not a PAdES one")
    first, before, after, rest = signed_range(pdf, found)
    signed = Signed(found["/Contents"])
    signer = signed.check(pdf.content[first : first + before], pdf.content[after : after + rest])
    name = name_of(signer)
    usage = extension(signer, x509.KeyUsage)
    if usage and not (usage.digital_signature or usage.content_commitment):
        raise Wrong(f"the certificate of {name} is not for signatures")
    checks = [("signature", PASSED, f"signed by {name}, and not changed since")]
    moment, stamp = stamped(signed, roots)
    level = "PAdES-B-T" if stamp[1] in (PASSED, UNKNOWN) else "PAdES-B-B"
    if roots is None:
        detail = f"nobody vouches for the certificate of {name}: name its authority with --trust"
        checks.append(("certificate", UNKNOWN, detail))
    elif is_vouched_for(signer, signed.certificates, roots, moment):
        checks.append(("certificate", PASSED, f"the certificate of {name} was good then"))
    else:
        detail = f"the certificate of {name} is not vouched for by that authority"
        checks.append(("certificate", FAILED, detail))
    return level, [*checks, stamp]


def signed_range(pdf, found):
    """What the signature signs: all of the file but its own digits; raises Wrong."""
    span, size = found["/ByteRange"], len(pdf.content)
    if not (isinstance(span, list) and len(span) == 4 and all(type(n) is int for n in span)):
        raise Wrong("the signature is malformed")
    first, before, after, rest = span
    if first != 0 or after + rest != size or not 0 < before < after < size:
        raise Wrong("something was added after the document was signed")
    gap = pdf.content[before:after]
    if (
        not re.fullmatch(rb"<[0-9A-Fa-f]*>", gap)
        or bytes.fromhex(gap[1:-1].decode()) != found["/Contents"]
    ):
        raise Wrong("something lies between what was signed")
    return first, before, after, rest


def stamped(signed, roots):
    """When it was signed as far as is known, and the check of the timestamp."""
    now = datetime.now(UTC)
    if TOKEN_OF_TIME not in signed.unsigned:
        return now, ("timestamp", ABSENT, "no third party attests the date")
    try:
        token = Signed(signed.unsigned[TOKEN_OF_TIME].raw)
        if token.kind != TIME_CONTENT or token.content is None:
            raise Wrong("the timestamp is malformed")
        authority = token.check(token.content)
        imprint = Node(token.content)[2]
        algorithm = HASHES.get(imprint[0][0].oid())
        digest = algorithm and hashlib.new(algorithm, signed.signature).digest()
        if digest != imprint[1].value:
            raise Wrong("the timestamp is not of this signature")
        written = Node(token.content)[4].of(TIME).value.decode()
        moment = datetime.strptime(written[:14] + "+0000", "%Y%m%d%H%M%S%z")
        purposes = extension(authority, x509.ExtendedKeyUsage)
        if purposes is None or [each.dotted_string for each in purposes] != [TIME_PURPOSE]:
            raise Wrong("who gave the timestamp is no authority for it")
    except (Wrong, ValueError) as error:
        return now, ("timestamp", FAILED, str(error))
    name = name_of(authority)
    detail = f"{moment:%Y-%m-%d %H:%M:%S} UTC by {name}"
    if roots is None:
        return moment, ("timestamp", UNKNOWN, f"{detail}, for whom nobody vouches")
    if not is_vouched_for(authority, token.certificates, roots, moment):
        return moment, ("timestamp", FAILED, f"{name}, who gave it, is not vouched for")
    return moment, ("timestamp", PASSED, detail)


# --- what is inside, and the evidence tree ---


def check_files(pdf):
    """The declaration as JSON has it, its hash being the one stated."""
    files, stated = pdf.files(), pdf.keywords()
    if set(files) != {JSON_FILE, CSV_FILE}:
        raise Wrong(f"{JSON_FILE} and {CSV_FILE} are not the files inside")
    for name, content in files.items():
        if f"{name} sha256:{hashlib.sha256(content).hexdigest()}" not in stated:
            raise Wrong(f"{name} is not the file that the document was made with")
    document = json.loads(files[JSON_FILE])
    if document["format"] != "quitus-declaration/2":
        raise Wrong(f"{JSON_FILE} is of a format that is not read here")
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows([line[name] for name in COLUMNS] for line in document["lines"])
    if table.getvalue().encode() != files[CSV_FILE]:
        raise Wrong(f"{CSV_FILE} has not the lines of {JSON_FILE}")
    return document


def fields(*texts):
    """Texts one behind the other, each behind its length."""
    encoded = [each.encode() for each in texts]
    return b"".join(len(each).to_bytes(4, "big") + each for each in encoded)


def sha256(*parts):
    """The hash of parts, one behind the other."""
    return hashlib.sha256(b"".join(parts)).digest()


# What may have become of installs.
SHARES = ("covered", "uncovered", "undetermined", "exempt")


def kind_of(found):
    """What is counted together."""
    kind = tuple(found[each] for each in ("product", "metric", "share", "entitlement", "right"))
    if found["share"] not in SHARES:
        raise Wrong("a count is of no kind that there is")
    return kind


def figure(value, least=0):
    """A number that a count may have."""
    if type(value) is not int or not least <= value < MOST:
        raise Wrong("a count is not a number of devices")
    return value


def digest_of(value):
    """The bytes of a hash in hex."""
    if not re.fullmatch(r"[0-9a-f]{64}", value):
        raise Wrong("a hash is not one")
    return bytes.fromhex(value)


def check_evidence(evidence):
    """Every count by its kind, bound by the root."""
    if evidence["format"] != "quitus-evidence/1":
        raise Wrong("the evidence is of a format that is not read here")
    counts, level = {}, []
    for found in evidence["counts"]:
        installs, units = figure(found["installs"], 1), figure(found["units"])
        kind = kind_of(found)
        if kind in counts:
            raise Wrong("a count is stated twice")
        counts[kind] = (installs, units, digest_of(found["tree"]))
        content = fields(*kind, str(installs), str(units))
        level.append(sha256(b"\2", content, counts[kind][2]))
    level = level or [sha256(b"\3")]
    while len(level) > 1:
        pairs = [level[at : at + 2] for at in range(0, len(level), 2)]
        level = [sha256(b"\3", *pair) if len(pair) == 2 else pair[0] for pair in pairs]
    if level[0] != digest_of(evidence["root"]):
        raise Wrong("the counts are not those that the root of the evidence tree was made of")
    return counts


def check_lines(document, counts):
    """Raises Wrong unless every figure of every line is the sum of its counts."""
    lines = document["lines"]
    products = [line["product"] for line in lines]
    if len(set(products)) < len(products) or {kind[0] for kind in counts} - set(products):
        raise Wrong("the lines are not of the products that are counted, once each")
    totals = {"compliant": 0, "gap": 0, "undetermined": 0, "missing": 0}
    for line in lines:
        of = {kind: count for kind, count in counts.items() if kind[0] == line["product"]}
        check_line(line, of)
        totals[line["state"]] += 1
        totals["missing"] += line["missing"] or 0
    if document["totals"] != totals:
        raise Wrong(f"the totals are not those of the lines: {totals}")


def check_line(line, counts):
    """Raises Wrong unless the line is the sum of its counts."""
    product = line["product"]
    if line["entitled"] != sum(figure(line[f"entitled_{channel}"]) for channel in CHANNELS):
        raise Wrong(f"{product}: what is owned is not the sum of its channels")
    shares = dict.fromkeys(SHARES, 0)
    for (_, metric, share, _, _), (installs, _, _) in counts.items():
        shares[share] += installs
        if metric != line["metric"]:
            raise Wrong(f"{product}: is counted by {metric}")
    if shares["undetermined"] and len(counts) > 1:
        raise Wrong(f"{product} is both counted and undetermined")
    no_claim = line["missing"] is None
    if no_claim != bool(shares["undetermined"]) and counts:
        raise Wrong(f"{product}: what is undetermined is not so by the evidence")
    missing, units = shares["uncovered"], sum(count[1] for count in counts.values())
    covered = [
        {"entitlement": kind[3], "right": kind[4], "installs": count[0]}
        for kind, count in counts.items()
        if kind[2] == "covered"
    ]
    state = "undetermined" if no_claim else "gap" if missing else "compliant"
    expected = {"installed": sum(shares.values()), "state": state, "covered": covered}
    exempt = [
        {"exemption": kind[3], "installs": count[0]}
        for kind, count in counts.items()
        if kind[2] == "exempt"
    ]
    if exempt or ("exempt" in line and not no_claim):
        expected["exempt"] = exempt
    if not no_claim:
        expected["missing"] = missing
    if line["required"] is not None or units:
        expected["required"] = units
    for name, value in expected.items():
        if line.get(name) != value or type(line[name]) is not type(value):
            raise Wrong(f"{product}: {name} is {line.get(name)}, and {value} by the evidence")


def check_proof(proof, evidence, counts):
    """What the proof proves; raises Wrong."""
    known = {"format", "root", "product", "metric", "share", "entitlement", "right"}
    if set(proof) != known | {"device", "units", "salt", "path"}:
        raise Wrong("the proof has other parts than a proof has")
    if proof["format"] != "quitus-proof/1" or len(proof["path"]) > 64:
        raise Wrong("the proof is of a format that is not read here")
    if proof["root"] != evidence["root"]:
        raise Wrong("the proof belongs to another declaration: its root is not this one's")
    kind, units = kind_of(proof), figure(proof["units"])
    if kind not in counts:
        raise Wrong(f"the declaration has no such count of {kind[0]}")
    content = fields(proof["device"], *kind, str(units))
    node = (sha256(b"\0", digest_of(proof["salt"]), content), 1, units)
    for step in proof["path"]:
        if set(step) != {"side", "digest", "installs", "units"}:
            raise Wrong("the proof has other parts than a proof has")
        other = (digest_of(step["digest"]), figure(step["installs"]), figure(step["units"]))
        if step["side"] not in ("left", "right"):
            raise Wrong("the proof has a step to no side")
        left, right = (other, node) if step["side"] == "left" else (node, other)
        parts = [part for d, i, u in (left, right) for part in (d, u64(i), u64(u))]
        node = (sha256(b"\1", *parts), left[1] + right[1], left[2] + right[2])
    if (node[1], node[2], node[0]) != counts[kind]:
        raise Wrong(
            f"the proof does not lead to the count of {kind[0]}: it is another device's, or was"
            " changed"
        )
    return f"device {proof['device']} is one of the {node[1]} {kind[2]} installs of {kind[0]}"


def u64(number):
    """In eight bytes."""
    if number >= MOST:
        raise Wrong("a count is not a number of devices")
    return number.to_bytes(8, "big")


# --- all of it ---


def verify(content, proof=None, roots=None):
    """The level that was reached, and every check as (subject, outcome, detail)."""
    checks, level = [], "none"

    def attempt(subject, action):
        try:
            return action()
        except Wrong as error:
            checks.append((subject, FAILED, str(error)))
        except Exception as error:  # a hostile file may be anything
            checks.append((subject, FAILED, f"is malformed: {error!r}"))
        return None

    def passed(subject, detail):
        checks.append((subject, PASSED, detail))

    pdf = attempt("signature", lambda: PDF(content))
    sealed = pdf and attempt("signature", lambda: check_seal(pdf, roots))
    if sealed:
        level = sealed[0]
        checks += sealed[1]
    document = attempt("attachments", lambda: check_files(pdf or PDF(content)))
    if document is None:
        return level, checks
    passed("attachments", f"{JSON_FILE} and {CSV_FILE} are those that the document was made with")
    counts = attempt("evidence", lambda: check_evidence(document["evidence"]))
    if counts is None:
        return level, checks
    passed("evidence", f"{len(counts)} counts, root {document['evidence']['root'][:16]}…")
    if attempt("lines", lambda: check_lines(document, counts) or True):
        passed("lines", "every figure is the sum of its counts")
    if proof is not None:
        detail = attempt(
            "proof", lambda: check_proof(json.loads(proof), document["evidence"], counts)
        )
        if detail:
            passed("proof", detail)
    return level, checks


def main(arguments=None):
    """Runs the command; returns its exit status."""
    parser = argparse.ArgumentParser(description="Verifies a Quitus declaration, off-line.")
    parser.add_argument("file", metavar="FILE.pdf")
    parser.add_argument("--proof", metavar="P.json", help="of one device's part")
    parser.add_argument("--trust", metavar="CA.pem", help="who vouches for the certificates")
    parser.add_argument("--format", choices=("table", "json"), default="table")
    given = parser.parse_args(arguments)
    try:
        content, proof, trust = (
            Path(name).read_bytes() if name else None
            for name in (given.file, given.proof, given.trust)
        )
        roots = x509.load_pem_x509_certificates(trust) if trust is not None and x509 else None
    except (OSError, ValueError) as error:
        print(f"quitus_verify: {error}", file=sys.stderr)
        return 2
    level, checks = verify(content, proof, roots)
    failed = [subject for subject, outcome, _ in checks if outcome == FAILED]
    if given.format == "json":
        names = ("subject", "outcome", "detail")
        listed = [dict(zip(names, check, strict=True)) for check in checks]
        document = {"passed": not failed, "level": level, "checks": listed}
        print(json.dumps(document, ensure_ascii=False, indent=1))
    else:
        print(f"{'level':12} {level}")
        for subject, outcome, detail in checks:
            print(f"{subject:12} {outcome:8} {detail}")
    if failed:
        print(f"{given.file}: does not hold: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
