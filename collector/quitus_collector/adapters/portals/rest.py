"""A portal that takes JSON over HTTPS. Implements ports.Portal."""

import base64
import json
from collections.abc import Mapping, Sequence
from urllib.parse import quote

import httpx

from quitus_collector.adapters.portals.description import RESTPortal, fill
from quitus_collector.adapters.portals.form import NEVER_LEFT, UNDECIDED
from quitus_collector.adapters.portals.https import Session, Transport, travel
from quitus_collector.errors import NotSent, OutcomeUnknown, PortalMismatch, PortalRefused
from quitus_collector.services.ports import Accepted, Disclosed, Sending


class JSONPortal:
    """One message, one answer; the reference goes along as `Idempotency-Key`."""

    def __init__(
        self,
        described: RESTPortal,
        credentials: Mapping[str, str],
        transport: Transport = travel,
    ) -> None:
        """Touches nothing yet."""
        self.name = described.name
        self.timeout_s, self.settles_s = described.timeout_s, described.settles_s
        self._described = described
        self._credentials = dict(credentials)
        self._transport = transport

    def disclose(self, sending: Sending) -> Sequence[Disclosed]:
        """Every key of the message, and every file in it."""
        path = self._described.path
        return [Disclosed(path, key, value) for key, value in self._texts(sending).items()] + [
            Disclosed(path, key, file) for key, file in self._described.files.items()
        ]

    def check(self, sending: Sending) -> None:
        """Fills the message in, and asks for the path `check` where the description has one."""
        self._texts(sending)
        headers = self._headers()
        if not self._described.check:
            return
        try:
            with Session(self._described, self._transport) as session:
                answer = session.once("GET", session.url(self._described.check), headers=headers)
        except httpx.HTTPError as error:
            raise NotSent(
                "{name} cannot be reached: {error}", name=self.name, error=_said(error)
            ) from error
        if answer.status_code >= 400:
            raise NotSent(
                "{check} answers {status_code}",
                check=self._described.check,
                status_code=answer.status_code,
            )

    def submit(self, sending: Sending) -> Accepted:
        """Sends the message, once."""
        described = self._described
        files = {
            key: base64.b64encode(sending.files[file]).decode()
            for key, file in described.files.items()
        }
        message, headers = self._texts(sending) | files, self._headers()
        headers["Idempotency-Key"] = sending.reference
        with Session(described, self._transport) as session:
            url = session.url(described.path)
            try:
                answer = session.once("POST", url, json=message, headers=headers)
            except NEVER_LEFT as error:
                raise NotSent(
                    "{name} cannot be reached: {error}", name=self.name, error=_said(error)
                ) from error
            except httpx.HTTPError as error:
                raise OutcomeUnknown(
                    "{name} gave no answer: {error}", name=self.name, error=_said(error)
                ) from error
        status = answer.status_code
        number = _at(answer, described.number)
        if number and status < 300:
            return Accepted(number, answer.content)
        if 400 <= status < 500 and status not in UNDECIDED:
            said = answer.text.strip()[:200]
            raise PortalRefused(
                "{name} refuses it ({status}): {said}", name=self.name, status=status, said=said
            )
        raise OutcomeUnknown(
            "{name} answered {status} without a receipt", name=self.name, status=status
        )

    def look_up(self, reference: str) -> Accepted | None:
        """By the path `look_up`, which has {reference}; 404 says that there is nothing."""
        described = self._described
        if not described.look_up:
            raise OutcomeUnknown(
                "{name} cannot be asked: look there, and say what you found", name=self.name
            )
        path = fill(described.look_up, {"reference": quote(reference)}, f"portal {self.name}")
        try:
            with Session(described, self._transport) as session:
                answer = session.once("GET", session.url(path), headers=self._headers())
        except (httpx.HTTPError, NotSent, PortalMismatch) as error:
            raise OutcomeUnknown(
                "{name} does not tell: {error}", name=self.name, error=_said(error)
            ) from error
        if answer.status_code == 404:
            return None
        number = _at(answer, described.number)
        if answer.status_code != 200 or not number:
            raise OutcomeUnknown(
                "{name} does not tell ({status_code})",
                name=self.name,
                status_code=answer.status_code,
            )
        return Accepted(number, answer.content)

    def _texts(self, sending: Sending) -> dict[str, str]:
        values, where = dict(sending.values), f"portal {self.name}"
        return {
            key: fill(value, values, f"{where}, key {key!r}")
            for key, value in self._described.body.items()
        }

    def _headers(self) -> dict[str, str]:
        if not self._credentials:
            return {}
        value = fill(self._described.value, self._credentials, f"credentials of {self.name}")
        return {self._described.header: value}


def _at(answer: httpx.Response, path: str) -> str:
    """The text or number at a dotted path of the answer; empty where there is none."""
    try:
        found = json.loads(answer.content)
    except ValueError:
        return ""
    for key in path.split("."):
        found = found.get(key) if isinstance(found, dict) else None
    return str(found) if isinstance(found, str | int) and found != "" else ""


def _said(error: Exception) -> str:
    return str(error) or type(error).__name__
