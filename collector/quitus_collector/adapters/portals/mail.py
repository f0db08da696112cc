"""A declaration by e-mail, through the company's own server, over TLS. Implements ports.Portal."""

import smtplib
import ssl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from pathlib import Path

import idna

from quitus_collector.adapters.portals.description import MailPortal, fill
from quitus_collector.adapters.portals.form import TYPES
from quitus_collector.errors import NotSent, OutcomeUnknown, PortalRefused, UsageError
from quitus_collector.services.ports import Accepted, Disclosed, Sending


class Mail:
    """One message. Its id is the receipt: what the server said of it is kept as the page."""

    def __init__(self, described: MailPortal, credentials: Mapping[str, str], folder: Path) -> None:
        """Touches nothing yet; `folder` has the credentials."""
        self.name = described.name
        self.timeout_s, self.settles_s = described.timeout_s, described.settles_s
        self._described = described
        self._credentials = dict(credentials)
        self._folder = folder

    def disclose(self, sending: Sending) -> Sequence[Disclosed]:
        """The message's heads, its text and its files."""
        message = self._message(sending)
        text = self._filled(self._described.text, sending)
        heads = [Disclosed("e-mail", head, str(message[head])) for head in ("To", "Subject")]
        files = [Disclosed("e-mail", "file", file) for file in sending.files]
        return [*heads, Disclosed("e-mail", "text", text), *files]

    def check(self, sending: Sending) -> None:
        """Writes the message, signed and closed, and says good day to the server."""
        self._written(self._message(sending))
        with self._server():
            pass

    def submit(self, sending: Sending) -> Accepted:
        """Hands it over. The server takes it with its last answer, and only then."""
        message, described = self._message(sending), self._described
        content = self._written(message)
        with self._server() as server:
            try:
                for code, said in (
                    server.mail(_address(described.sender)),
                    server.rcpt(_address(described.recipient)),
                ):
                    if code >= 500:
                        raise PortalRefused(
                            "{server}: {code} {said}",
                            server=described.server,
                            code=code,
                            said=_text(said),
                        )
                    if code not in (250, 251):
                        raise NotSent(
                            "{server}: {code} {said}",
                            server=described.server,
                            code=code,
                            said=_text(said),
                        )
            except (OSError, smtplib.SMTPException) as error:
                raise NotSent("{server}: {error}", server=described.server, error=error) from error
            try:
                code, said = server.data(content)
            except smtplib.SMTPDataError as error:
                raise NotSent(
                    "{server}: {text}", server=described.server, text=_text(error.smtp_error)
                ) from error
            except (OSError, smtplib.SMTPException) as error:
                raise OutcomeUnknown(
                    "{server} gave no answer: {error}", server=described.server, error=error
                ) from error
        if code >= 500:
            raise PortalRefused(
                "{server}: {code} {said}", server=described.server, code=code, said=_text(said)
            )
        if code != 250:
            raise NotSent(
                "{server}: {code} {said}", server=described.server, code=code, said=_text(said)
            )
        return Accepted(str(message["Message-ID"]), f"{code} {_text(said)}\n".encode())

    def look_up(self, reference: str) -> Accepted | None:
        """Nobody can be asked."""
        raise OutcomeUnknown(
            "a message cannot be asked after: ask {recipient} for {reference}",
            recipient=self._described.recipient,
            reference=reference,
        )

    def _message(self, sending: Sending) -> EmailMessage:
        described, message = self._described, EmailMessage(policy=SMTP)
        domain = _address(described.sender).rpartition("@")[2]
        message["From"], message["To"] = _address(described.sender), _address(described.recipient)
        message["Subject"] = self._filled(described.subject, sending)
        message["Date"] = format_datetime(datetime.now(UTC))
        # The same however often it is sent: who gets it twice can tell.
        message["Message-ID"] = f"<{sending.reference}@{domain}>"
        message.set_content(self._filled(described.text, sending))
        for name, content in sending.files.items():
            main, _, sub = TYPES[name].partition("/")
            message.add_attachment(content, maintype=main, subtype=sub, filename=name)
        return message

    def _written(self, message: EmailMessage) -> bytes:
        """The message as it is sent; raises UsageError where it cannot be signed or closed."""
        described, now = self._described, datetime.now(UTC)
        if not described.sign_with and not described.encrypt_to:
            return message.as_bytes(policy=SMTP)
        from quitus_collector.adapters.portals import smime

        outside, entity = smime.split(message)
        if described.sign_with:
            file, passphrase = (
                self._folder / described.sign_with,
                self._credentials.get("passphrase"),
            )
            signer = smime.Signer(file, passphrase or "", _address(described.sender), now)
            entity = signer.signed(entity)
        if described.encrypt_to:
            recipient = _address(described.recipient)
            entity = smime.closed(entity, Path(described.encrypt_to), recipient, now)
        return outside + entity

    def _filled(self, template: str, sending: Sending) -> str:
        return fill(template, dict(sending.values), f"portal {self.name}")

    @contextmanager
    def _server(self) -> Iterator[smtplib.SMTP]:
        """Signed in, over TLS; raises NotSent. What comes inside is told by who does it."""
        described = self._described
        with ExitStack() as stack:
            try:
                server = self._connected()
                stack.callback(server.close)
                server.ehlo()
                if {"user", "password"} & self._credentials.keys():
                    server.login(self._credentials["user"], self._credentials["password"])
            except KeyError as error:
                raise UsageError(
                    "the credentials of {name} have no {error}", name=self.name, error=error
                ) from error
            except (OSError, smtplib.SMTPException) as error:
                raise NotSent(
                    "{server} cannot be reached: {error}", server=described.server, error=error
                ) from error
            yield server

    def _connected(self) -> smtplib.SMTP:
        """Over TLS from the first byte, or before anything else is said."""
        described = self._described
        host, timeout_s = idna.encode(described.server).decode(), described.timeout_s / 4
        context = ssl.create_default_context(cafile=described.authority or None)
        if described.encryption == "tls":
            return smtplib.SMTP_SSL(host, described.port, timeout=timeout_s, context=context)
        server = smtplib.SMTP(host, described.port, timeout=timeout_s)
        try:
            server.starttls(context=context)
        except BaseException:
            server.close()
            raise
        return server


def _address(text: str) -> str:
    """An address whose domain may have accents, as mail servers have it."""
    local, at, domain = text.rpartition("@")
    try:
        if not (local and at and local.isascii()):
            raise UnicodeError
        return f"{local}@{idna.encode(domain).decode()}"
    except UnicodeError as error:
        raise UsageError("{text!r} is not a mail address", text=text) from error


def _text(said: bytes | str) -> str:
    return said.decode("utf-8", "replace") if isinstance(said, bytes) else said
