"""The site as a test has it: started, told what to get wrong, asked what it took in."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from tests.portal.site import PASSWORD, USER

DESCRIPTION = """\
kind = "form"
address = "{address}"
authority = "ca.pem"
timeout_s = {timeout_s}
settles_s = 600

[sign_in]
path = "/connexion"
form = "form.declaration"
signed_in = "#sign-out"
fields = [
  {{ label = "Identifiant", value = "{{user}}" }},
  {{ name = "secret", value = "{{password}}" }},
]

[[pages]]
title = "Votre société"
path = "/declaration/1"
form = "form.declaration"
fields = [
  {{ label = "raison sociale", value = "{{company.name}}" }},
  {{ label = "N° SIREN", value = "{{company.siren}}" }},
  {{ name = "reference", value = "{{reference}}" }},
  {{ label = "Taille", value = "PME" }},
]

[[pages]]
title = "Vos chiffres"
path = "/declaration/2"
form = "form.declaration"
fields = [{{ label = "Lignes en écart", value = "{{totals.gap}}" }}]
files = [
  {{ label = "Déclaration (PDF)", file = "declaration.pdf" }},
  {{ name = "json", file = "declaration.json" }},
]

[[pages]]
title = "Confirmation"
path = "/declaration/3"
form = "form.declaration"
fields = [{{ label = "Je certifie", value = "yes" }}]

[receipt]
number = "#receipt-number"
refused = ".refusal"

[look_up]
path = "/recherche"
form = "#find"
fields = [{{ label = "Référence", value = "{{reference}}" }}]
number = "#receipt-number"
nothing = "#nothing"
"""
CREDENTIALS = {"user": USER, "password": PASSWORD}


class PortalSite:
    def __init__(self, folder: Path, port: int, control: int) -> None:
        self.folder, self.port, self._control = folder, port, control

    def tell(self, **faults: object) -> dict[str, Any]:
        """Sets faults; the answer has `receipts` and `requests`."""
        made = Request(
            f"http://127.0.0.1:{self._control}/", json.dumps(faults).encode(), method="POST"
        )
        with urlopen(made, timeout=60) as answer:
            told: dict[str, Any] = json.loads(answer.read())
        return told

    def receipts(self, reference: str = "") -> list[dict[str, str]]:
        """What was filed, once nothing is under way any more."""
        told = self.tell(idle=True)
        assert told["idle"]
        return [each for each in told["receipts"] if reference in ("", each["reference"])]

    def describe(self, name: str = "site", host: str = "localhost", timeout_s: int = 20) -> Path:
        """Writes the site's description where the authority lies; returns the folder."""
        text = DESCRIPTION.format(address=f"https://{host}:{self.port}", timeout_s=timeout_s)
        (self.folder / f"{name}.toml").write_text(text, encoding="utf-8")
        return self.folder


@contextmanager
def serving(folder: Path) -> Iterator[PortalSite]:
    """Starts the site in a process of its own."""
    command = [sys.executable, "-m", "tests.portal", str(folder)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        try:
            port, control = map(int, process.stdout.readline().split())
            yield PortalSite(folder, port, control)
        finally:
            process.kill()
