"""The data file that describes a portal, and the credentials that lie apart from it."""

import re
import tomllib
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, TypeAdapter, ValidationError

from quitus_collector.adapters import secret_files
from quitus_collector.adapters.documents import Model, complaint, read_text
from quitus_collector.adapters.secret_files import CREDENTIAL
from quitus_collector.errors import UsageError

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_PLACE = re.compile(r"\{([a-z_][a-z0-9_.]*)\}")


def _https(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme != "https" or not parts.hostname or parts.username or parts.query:
        raise ValueError(f"{text!r} is not an address like https://declarations.example")
    return text.rstrip("/")


Address = Annotated[str, AfterValidator(_https)]
Seconds = Annotated[int, Field(ge=1, le=86_400)]


class Filled(Model):
    """A field of a form: found by its label as people read it, or by its name."""

    label: str = ""
    name: str = ""
    value: str

    def __str__(self) -> str:
        """What to call it in a complaint."""
        return f"“{self.label}”" if self.label else self.name


class Upload(Model):
    """A field that takes a file: `declaration.pdf` or `declaration.json`."""

    label: str = ""
    name: str = ""
    file: Literal["declaration.pdf", "declaration.json"]

    def __str__(self) -> str:
        """What to call it in a complaint."""
        return f"“{self.label}”" if self.label else self.name


class Page(Model):
    """A page with a form. Without a `path` it is only seen as the answer to the page before it."""

    title: str
    path: str = ""
    form: str = "form"
    fields: list[Filled] = []
    files: list[Upload] = []


class SignIn(Page):
    """The page that lets one in; `signed_in` is a CSS selector that is there afterwards."""

    title: str = "sign-in"
    signed_in: str


class ReceiptPlaces(Model):
    """CSS selectors on the answer to the last page."""

    number: str
    refused: str = ""


class LookUp(Page):
    """The page that finds a declaration by the reference it was sent with.

    `number` is where its receipt number then is; `nothing` is there where none is found.
    """

    title: str = "look-up"
    number: str
    nothing: str


class Common(Model):
    """What every kind of portal has: how long sending may take, and what was sent may travel."""

    name: str = ""
    timeout_s: Seconds = 120
    settles_s: Annotated[int, Field(ge=0, le=604_800)] = 900


class Reached(Common):
    """A portal that is reached over HTTPS.

    `authority` is a file of root certificates beside the description; the system's without it.
    """

    address: Address
    authority: str = ""
    proxy: str = ""


class FormPortal(Reached):
    """Web forms; the last page is the one that files the declaration."""

    kind: Literal["form"]
    sign_in: SignIn | None = None
    pages: Annotated[list[Page], Field(min_length=1)]
    receipt: ReceiptPlaces
    look_up: LookUp | None = None


class RESTPortal(Reached):
    """JSON over HTTPS; `body` gives for each key of the message what it is filled with.

    `number` names the key of the answer that has the receipt's number, dotted. `header` is the one
    that carries the credentials' `token`.
    """

    kind: Literal["json"]
    path: str
    body: dict[str, str]
    files: dict[str, Literal["declaration.pdf", "declaration.json"]] = {}
    number: str
    look_up: str = ""
    check: str = ""
    header: str = "Authorization"
    value: str = "Bearer {token}"


class MailPortal(Common):
    """A message through the company's own mail server, always over TLS.

    `authority` is a file of root certificates beside the description; the system's without it. So
    is `encrypt_to`, with the recipient's certificates. `sign_with` is the sender's PKCS#12 file,
    among the credentials, which have its `passphrase`.
    """

    kind: Literal["mail"]
    server: str
    port: int = 587
    encryption: Literal["starttls", "tls"] = "starttls"
    sender: str
    recipient: str
    subject: str
    text: str
    authority: str = ""
    sign_with: Annotated[str, Field(pattern=r"^[^/]*$")] = ""
    encrypt_to: str = ""


class HandPortal(Common):
    """Nothing that a program may reach: a person deposits it, by the sheet that this fills in."""

    kind: Literal["hand"]
    address: str
    steps: list[str] = []
    fields: list[Filled] = []


Description = Annotated[
    FormPortal | RESTPortal | MailPortal | HandPortal, Field(discriminator="kind")
]
_DESCRIPTION: TypeAdapter[FormPortal | RESTPortal | MailPortal | HandPortal] = TypeAdapter(
    Description
)


def read(folder: Path, name: str) -> FormPortal | RESTPortal | MailPortal | HandPortal:
    """The description `NAME.toml` of the folder; raises UsageError naming file and place."""
    path = file_of(folder, name)
    try:
        found = _DESCRIPTION.validate_python({"name": name, **tomllib.loads(read_text(path))})
    except tomllib.TOMLDecodeError as error:
        raise UsageError("{path}: {error}", path=path, error=error) from error
    except ValidationError as error:
        raise UsageError("{path}: {error}", path=path, error=complaint(error)) from error
    beside = ("authority", "encrypt_to")
    files = {name: str(folder / file) for name in beside if (file := getattr(found, name, ""))}
    return found.model_copy(update=files)


def file_of(folder: Path, name: str) -> Path:
    """Where a portal is described; raises UsageError for what names none."""
    if not NAME.fullmatch(name):
        raise UsageError("{name!r} is not the name of a portal", name=name)
    path = folder / f"{name}.toml"
    if not path.exists():
        known = ", ".join(sorted(each.stem for each in folder.glob("*.toml"))) or "none"
        raise UsageError(
            "{path}: no portal is described there; known: {known}", path=path, known=known
        )
    return path


def credentials(folder: Path, name: str, given: Path | None) -> dict[str, str]:
    """What the portal is signed in to with; empty where there is nothing.

    It is in `NAME.toml` of the folder, or in what systemd `given` this process as `portal-NAME`.
    Raises UsageError for a file that other accounts may read, and where there are both.
    """
    path, secret = folder / f"{name}.toml", folder / f"{CREDENTIAL}portal-{name}"
    is_given = given is not None and (given / f"portal-{name}").exists()
    if is_given and path.exists():
        raise UsageError(
            "{path}: systemd has these credentials too: one of the two is to go", path=path
        )
    if not is_given and not path.exists():
        return {}
    place = secret if is_given else path
    try:
        found = tomllib.loads(secret_files.read(place, given).decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError("{place}: {error}", place=place, error=error) from error
    if not all(isinstance(each, str) for each in found.values()):
        raise UsageError("{place}: user, password and token are texts", place=place)
    return found


def fill(template: str, values: dict[str, str], where: str) -> str:
    """The template with its {names} filled in; raises UsageError for a name that nothing has.

    A value is put in as it is: braces in it mean nothing.
    """

    def value(found: re.Match[str]) -> str:
        if found[1] not in values:
            raise UsageError("{where}: nothing is called {{{value}}}", where=where, value=found[1])
        return values[found[1]]

    return _PLACE.sub(value, template)
