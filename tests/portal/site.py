"""The site's behaviour: who is signed in, what was filed, and what it was told to get wrong."""

import json
import re
import secrets
import threading
from dataclasses import dataclass, field
from hashlib import sha256

from tests.portal import pages

USER, PASSWORD = "ateliers", "pâté & co"


@dataclass
class Faults:
    """What the site does wrong.

    `drop` is "before" or "after" it took the declaration in; `hold` takes it in and never answers.
    `error_once` is a page that answers 500 once. `names` changes names of fields. `lost_page`
    answers the last page without a number, `says_no` refuses it.
    """

    drop: str = ""
    hold: bool = False
    error_once: str = ""
    error_after: bool = False
    names: dict[str, str] = field(default_factory=dict)
    lost_page: bool = False
    says_no: str = ""
    detects_duplicates: bool = True
    asks_more: bool = False
    elsewhere: str = ""


@dataclass
class Answer:
    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


class Dropped(Exception):
    """The connection ends here."""


class Held(Exception):
    """Nothing is answered until the client goes away."""


class Site:
    """All of it is behind one lock: a site that counts its receipts right."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.faults = Faults()
        self.sessions: dict[str, dict[str, str]] = {}
        # What was filed, in its order: receipt, reference, digests.
        self.receipts: list[dict[str, str]] = []
        self.requests: list[str] = []

    def answer(
        self,
        method: str,
        path: str,
        query: dict[str, str],
        form: dict[str, str],
        cookie: str,
        token: str,
    ) -> Answer:
        with self.lock:
            self.requests.append(f"{method} {path}")
            faults = self.faults
            if faults.error_once == f"{method} {path}" and not faults.error_after:
                faults.error_once = ""
                return Answer(500, b"<p>Erreur")
            found = re.search(r"session=(\w+)", cookie)
            session = self.sessions.get(found[1]) if found else None
            if path.startswith("/api/"):
                return self._api(method, path, form, token)
            if path == "/connexion":
                return self._connexion(method, form, session)
            if session is None or "user" not in session:
                return Answer(303, headers={"Location": "/connexion"})
            if path == "/recherche":
                asked = query.get("q", "")
                numbers = [r["number"] for r in self.receipts if r["reference"] == asked]
                return Answer(body=pages.search(numbers[-1] if numbers else "", asked))
            step = re.fullmatch(r"/declaration/([123])", path)
            if not step:
                return Answer(404, b"?")
            if method == "GET":
                return Answer(body=self._page(int(step[1]), session))
            if form.pop("jeton", "") != session["token"]:
                return Answer(403, pages.refused("jeton inconnu"))
            session["token"] = secrets.token_hex(8)
            return self._step(int(step[1]), session, form)

    def _api(self, method: str, path: str, form: dict[str, str], token: str) -> Answer:
        """The same site for programs: JSON in, JSON out."""
        if token != f"Bearer {PASSWORD.encode().hex()}":
            return Answer(401, b"{}")
        reference = path.removeprefix("/api/declarations").strip("/")
        if method == "GET":
            found = [each for each in self.receipts if each["reference"] == reference]
            if reference and not found:
                return Answer(404, b"{}")
            number = found[-1]["number"] if found else ""
            return Answer(body=json.dumps({"receipt": {"number": number}}).encode())
        if not re.fullmatch(r"\d{9}", form.get("siren", "")):
            return Answer(422, b'{"error": "siren"}')
        made = self._file({"f.reference": form["reference"], "f.pdf": form["pdf"]})
        if made.status != 200:
            return made
        told = {"receipt": {"number": self.receipts[-1]["number"]}}
        return Answer(201, json.dumps(told).encode())

    def _connexion(
        self, method: str, form: dict[str, str], session: dict[str, str] | None
    ) -> Answer:
        if method == "GET" or session is None:
            name, token = secrets.token_hex(8), secrets.token_hex(8)
            self.sessions[name] = {"token": token}
            cookie = f"session={name}; Path=/; Secure; HttpOnly"
            return Answer(body=pages.sign_in(token), headers={"Set-Cookie": cookie})
        if form.get("jeton") != session["token"]:
            return Answer(403, pages.refused("jeton inconnu"))
        if (form.get("login"), form.get("secret")) != (USER, PASSWORD):
            return Answer(body=pages.sign_in(session["token"], "inconnu"))
        session["user"], session["token"] = USER, secrets.token_hex(8)
        return Answer(303, headers={"Location": "/declaration/1"})

    def _page(self, step: int, session: dict[str, str]) -> bytes:
        names, token = self.faults.names, session["token"]
        if step == 1:
            made = pages.company(token, names)
            if self.faults.asks_more:
                extra = pages.field("Numéro de TVA", "tva", {}).encode()
                made = made.replace(b"<button", extra + b"<button")
        elif step == 2:
            made = pages.figures(token, names)
        else:
            said = {k: v for k, v in session.items() if k.startswith("f.")}
            made = pages.confirm(token, names, said)
        if self.faults.elsewhere:
            made = made.replace(
                b'action="/declaration', f'action="{self.faults.elsewhere}'.encode()
            )
        return made

    def _step(self, step: int, session: dict[str, str], form: dict[str, str]) -> Answer:
        """Whatever was said on a page is kept in the session; the last page files it."""
        back = {new: old for old, new in self.faults.names.items()}
        said = {back.get(name, name): value for name, value in form.items()}
        session.update({f"f.{name}": value for name, value in said.items()})
        if step == 1 and not re.fullmatch(r"\d{9}", said.get("siren", "")):
            return Answer(body=pages.refused("SIREN incorrect"))
        if step < 3:
            return Answer(303, headers={"Location": f"/declaration/{step + 1}"})
        if said.get("accord") != "oui" or "f.pdf" not in session or "f.siren" not in session:
            return Answer(422, pages.refused("déclaration incomplète"))
        return self._file(session)

    def _file(self, session: dict[str, str]) -> Answer:
        faults, reference = self.faults, session["f.reference"]
        if faults.drop == "before":
            faults.drop = ""
            raise Dropped
        if faults.says_no:
            return Answer(body=pages.refused(faults.says_no))
        known = [each for each in self.receipts if each["reference"] == reference]
        if known and faults.detects_duplicates:
            return Answer(409, pages.receipt(known[0]["number"], reference))
        number = f"R-{len(self.receipts) + 1:06d}"
        said = {name[2:]: value for name, value in session.items() if name.startswith("f.")}
        self.receipts.append({"number": number, "reference": reference, **said})
        if faults.drop == "after":
            faults.drop = ""
            raise Dropped
        if faults.hold:
            faults.hold = False
            raise Held
        if faults.error_after:
            faults.error_after = False
            return Answer(500, b"<p>Erreur")
        if faults.lost_page:
            return Answer(body=pages.page("Merci", "<p>Merci de votre confiance"))
        return Answer(body=pages.receipt(number, reference))


def file_digest(content: bytes) -> str:
    """What the site keeps of an uploaded file."""
    return sha256(content).hexdigest()
