"""Messages to the company's own people, through its own server, over TLS."""

import smtplib
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from pathlib import Path

from quitus_collector.adapters.secret_files import read_line
from quitus_collector.errors import NotSent

TIMEOUT_S = 20


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where messages are handed over; without a user nothing is signed in to."""

    name: str
    port: int
    encryption: str
    user: str
    password_file: Path | None
    authority: Path | None
    # As in `secret_files`.
    credentials: Path | None = None


def send(
    server: MailServer,
    sender: str,
    recipients: Sequence[str],
    subject: str,
    text: str,
    *,
    reference: str,
    at: datetime,
) -> Sequence[str]:
    """Hands one message over; whom the server takes none for. Raises NotSent where nobody has it.

    The same `reference` makes the same Message-ID: who gets it twice can tell.
    """
    message = EmailMessage(policy=SMTP)
    message["From"], message["To"] = sender, ", ".join(recipients)
    message["Subject"] = subject
    message["Date"] = format_datetime(at)
    message["Message-ID"] = f"<{reference}@{sender.rpartition('@')[2]}>"
    # No robot answers it (RFC 3834).
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(text)
    try:
        with _connected(server) as connection:
            if server.user:
                connection.login(server.user, _password(server))
            return sorted(connection.send_message(message))
    except smtplib.SMTPRecipientsRefused as error:
        raise NotSent(
            "{name} takes no message for {listed}",
            name=server.name,
            listed=", ".join(sorted(error.recipients)),
        ) from error
    except (OSError, smtplib.SMTPException) as error:
        raise NotSent("{name}: {error}", name=server.name, error=error) from error


def _connected(server: MailServer) -> smtplib.SMTP:
    context = ssl.create_default_context(cafile=server.authority)
    if server.encryption == "tls":
        return smtplib.SMTP_SSL(server.name, server.port, timeout=TIMEOUT_S, context=context)
    connection = smtplib.SMTP(server.name, server.port, timeout=TIMEOUT_S)
    try:
        connection.starttls(context=context)
    except BaseException:
        connection.close()
        raise
    return connection


def _password(server: MailServer) -> str:
    if server.password_file is None:
        return ""
    return read_line(server.password_file, server.credentials)
