"""A portal of web forms, filled in as its description says. Implements ports.Portal."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import httpx

from quitus_collector.adapters.portals import page
from quitus_collector.adapters.portals.description import (
    Filled,
    FormPortal,
    Page,
    Upload,
    fill,
)
from quitus_collector.adapters.portals.https import Files, Session, Transport, travel
from quitus_collector.adapters.portals.page import Control, Form
from quitus_collector.errors import NotSent, OutcomeUnknown, PortalMismatch, PortalRefused
from quitus_collector.services.ports import Accepted, Disclosed, Sending

TYPES = {"declaration.pdf": "application/pdf", "declaration.json": "application/json"}
# Nothing was written to a connection that never came about.
NEVER_LEFT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.UnsupportedProtocol,
)
# Answers that say no, whatever became of others: a time-out, a conflict or a busy server does not.
UNDECIDED = (408, 409, 425, 429)


class Filling(NamedTuple):
    """A form that is ready to go."""

    method: str
    url: str
    fields: list[tuple[str, str]] | None = None
    files: Files | None = None


class WebPortal:
    """One portal; each of its methods is a session of its own."""

    def __init__(
        self,
        described: FormPortal,
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
        """Every field that is filled in, and every file."""
        values, found = dict(sending.values), []
        for each in self._described.pages:
            for field in each.fields:
                shown = self._value(field, values, each)
                found.append(Disclosed(each.title, field.label or field.name, shown))
            for file in each.files:
                found.append(Disclosed(each.title, file.label or file.name, file.file))
        return found

    def check(self, sending: Sending) -> None:
        """Signs in and looks at every page that has an address of its own."""
        values = dict(sending.values)
        with self._told_as_not_sent(), self._session() as session:
            self._sign_in(session)
            for each in self._described.pages:
                if each.path:
                    found = _whole(session.request("GET", session.url(each.path)))
                    self._fill(session, each, found, values, sending.files)

    def submit(self, sending: Sending) -> Accepted:
        """Page by page; only the last one files it."""
        values = dict(sending.values)
        with self._session() as session:
            with self._told_as_not_sent():
                self._sign_in(session)
                *before, last = self._described.pages
                path = self._described.pages[0].path
                answer = _whole(session.request("GET", session.url(path)))
                for each in before:
                    filled = self._fill(session, each, answer, values, sending.files)
                    answer = self._refusing(session.request(*filled))
                filled = self._fill(session, last, answer, values, sending.files)
            return self._file(session, filled)

    def look_up(self, reference: str) -> Accepted | None:
        """By the page that is described for it."""
        described = self._described.look_up
        if described is None:
            raise OutcomeUnknown(
                "{name} cannot be asked: look there, and say what you found", name=self.name
            )
        try:
            with self._told_as_not_sent(), self._session() as session:
                self._sign_in(session)
                found = _whole(session.request("GET", session.url(described.path)))
                filled = self._fill(session, described, found, {"reference": reference}, {})
                answer = _whole(session.request(*filled))
        except (NotSent, PortalMismatch, PortalRefused) as error:
            raise OutcomeUnknown(
                "{name} does not tell: {error}", name=self.name, error=error
            ) from error
        parsed = page.parse(answer.content)
        number = page.mark(parsed, described.number)
        if number:
            return Accepted(number, answer.content)
        if page.mark(parsed, described.nothing) is None:
            raise OutcomeUnknown(
                "{name} does not tell whether it has {reference}",
                name=self.name,
                reference=reference,
            )
        return None

    def _session(self) -> Session:
        return Session(self._described, self._transport)

    def _sign_in(self, session: Session) -> None:
        described = self._described.sign_in
        if described is None:
            return
        found = _whole(session.request("GET", session.url(described.path)))
        filled = self._fill(session, described, found, self._credentials, {})
        answer = _whole(session.request(*filled))
        if page.mark(page.parse(answer.content), described.signed_in) is None:
            raise NotSent("{name} does not let these credentials in", name=self.name)

    def _file(self, session: Session, filled: Filling) -> Accepted:
        """Sends the last page. From here on silence is no answer."""
        try:
            answer = session.once(
                filled.method, filled.url, fields=filled.fields, files=filled.files
            )
        except NEVER_LEFT as error:
            raise NotSent(
                "{name} cannot be reached: {error}", name=self.name, error=error
            ) from error
        except httpx.HTTPError as error:
            raise self._unanswered(error) from error
        try:
            answer = session.follow(answer)
        except (httpx.HTTPError, httpx.InvalidURL, PortalMismatch, NotSent) as error:
            raise self._unanswered(error) from error
        parsed, status = page.parse(answer.content), answer.status_code
        number = page.mark(parsed, self._described.receipt.number)
        if number and status < 500:
            return Accepted(number, answer.content)
        refusal = page.mark(parsed, self._described.receipt.refused)
        if status < 500 and status not in UNDECIDED and (refusal or status >= 400):
            raise PortalRefused(
                "{name} refuses it: {refusal}",
                name=self.name,
                refusal=refusal or f"answer {status}",
            )
        raise OutcomeUnknown(
            "{name} answered the last page ({status}) without a receipt",
            name=self.name,
            status=status,
        )

    def _unanswered(self, error: Exception) -> OutcomeUnknown:
        said = str(error) or type(error).__name__
        return OutcomeUnknown(
            "{name} gave no answer to the last page: {said}", name=self.name, said=said
        )

    def _refusing(self, answer: httpx.Response) -> httpx.Response:
        """A page before the last one that says no."""
        refused = page.mark(page.parse(answer.content), self._described.receipt.refused)
        if refused:
            raise PortalRefused("{name} refuses it: {refused}", name=self.name, refused=refused)
        return _whole(answer)

    def _fill(
        self,
        session: Session,
        described: Page,
        answer: httpx.Response,
        values: dict[str, str],
        contents: Mapping[str, bytes],
    ) -> Filling:
        form = Form(page.parse(answer.content), described.form, described.title)
        given: dict[str, str] = {}
        for field in described.fields:
            control = form.find(field.label, field.name)
            given[_name(control, form)] = self._given(form, control, field, values, described)
        files = self._files(form, described.files, contents)
        taken = {*given, *(name for name, _ in files)}
        for control in form.controls:
            if control.is_required and control.name not in taken and not control.value():
                called = control.labels[0].rstrip(" *:") if control.labels else control.name
                raise PortalMismatch(
                    "the page “{title}” asks for “{called}”, which its description lacks",
                    title=form.title,
                    called=called,
                )
        if form.method != "post" and contents:
            raise PortalMismatch(
                "the page “{title}” would write figures into its address", title=form.title
            )
        own = [
            (control.name, value)
            for control in form.controls
            if control.name and control.name not in taken and (value := control.value()) is not None
        ]
        url = session.url(form.action, str(answer.url))
        if form.method != "post":
            url = str(httpx.URL(url, params=[*own, *given.items()]))
            return Filling("GET", url)
        multipart = files if form.is_multipart else None
        return Filling("POST", url, [*own, *given.items()], multipart)

    def _given(
        self,
        form: Form,
        control: Control,
        field: Filled,
        values: dict[str, str],
        described: Page,
    ) -> str:
        value = self._value(field, values, described)
        sent = (
            form.radio(control.name, value) if control.kind == "radio" else control.accepted(value)
        )
        if sent is None:
            raise PortalMismatch(
                "the field {field} of the page “{title}” does not take {value!r}",
                field=field,
                title=form.title,
                value=value,
            )
        return sent

    def _files(self, form: Form, uploads: Sequence[Upload], contents: Mapping[str, bytes]) -> Files:
        found: Files = []
        for upload in uploads:
            control = form.find(upload.label, upload.name)
            if control.kind != "file" or not form.is_multipart:
                raise PortalMismatch(
                    "the page “{title}” takes no file at {upload}", title=form.title, upload=upload
                )
            content = contents.get(upload.file, b"")
            found.append((_name(control, form), (upload.file, content, TYPES[upload.file])))
        return found

    def _value(self, field: Filled, values: dict[str, str], described: Page) -> str:
        return fill(field.value, values, f"portal {self.name}, page “{described.title}”")

    @contextmanager
    def _told_as_not_sent(self) -> Iterator[None]:
        """Before the last page, whatever goes wrong leaves the portal without the declaration."""
        try:
            yield
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            said = str(error) or type(error).__name__
            raise NotSent("{name} cannot be reached: {said}", name=self.name, said=said) from error


def _name(control: Control, form: Form) -> str:
    if not control.name:
        raise PortalMismatch(
            "a described field of the page “{title}” has no name", title=form.title
        )
    return control.name


def _whole(answer: httpx.Response) -> httpx.Response:
    if answer.status_code >= 400:
        raise NotSent(
            "{path} answers {status_code}", path=answer.url.path, status_code=answer.status_code
        )
    return answer
