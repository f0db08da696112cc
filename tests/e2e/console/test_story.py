"""The whole story in a real browser: from the first sign-in to a receipt and its verification."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from quitus_collector.domain.account import Role
from quitus_collector.services.recognition import refresh
from quitus_collector.wiring import accounts
from tests.bench.loading import load
from tests.browsing import Look, ServedConsole, obstacles, overflow, served
from tests.console import POOLS, ConsoleHouse, at_portal
from tests.portal.client import PortalSite, serving

pytestmark = [pytest.mark.e2e, pytest.mark.needs("chromium"), pytest.mark.xdist_group("console")]
OWN = "cheval-pile-agrafe"
JOB_MS = 60_000


class Company(NamedTuple):
    """A fleet that nobody has looked at yet, its console, and the site that asks to declare."""

    console: ServedConsole
    house: ConsoleHouse
    site: PortalSite


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[Company]:
    folder = tmp_path_factory.mktemp("story")
    house = ConsoleHouse(folder / "collector")
    load(house.collector.store, 40)
    refresh(house.collector.store, house.collector.catalogue)
    # Pages count while several tests share the machine.
    expect.set_options(timeout=JOB_MS)
    with serving(folder) as site:
        at_portal(house, site)
        with served(house, browser) as console:
            yield Company(console, house, site)
    house.close()


def shown(page: Page, keep: Look, name: str) -> None:
    """A page of the story: kept as a picture, and one that everybody can use."""
    keep(page, f"story {name}")
    assert obstacles(page) == [], name
    assert overflow(page) == 0, name


def come_in(page: Page, name: str, first: str) -> None:
    """By the door, with the password that another person made, and then one's own."""
    page.goto("/")
    page.get_by_label("Nom", exact=True).fill(name)
    page.get_by_label("Mot de passe").fill(first)
    page.get_by_role("button", name="Se connecter").click()
    page.get_by_label("Mot de passe actuel").fill(first)
    page.get_by_label("Nouveau mot de passe", exact=True).fill(OWN)
    page.get_by_label("Nouveau mot de passe, encore une fois").fill(OWN)
    page.get_by_role("button", name="Enregistrer").click()
    expect(page.locator("h1")).to_have_text("Vue d’ensemble")


def follow(page: Page, path: str) -> None:
    """A job's page tells by itself when it is over, and leads on."""
    page.wait_for_url(re.compile(path), timeout=JOB_MS)


def section(page: Page, name: str) -> None:
    page.get_by_role("navigation", name="Menu").get_by_role("link", name=name, exact=True).click()


def take_pools_in(page: Page, keep: Look) -> None:
    section(page, "Licences détenues")
    page.get_by_role("link", name="Importer un fichier").click()
    # What is too large is told before it is sent.
    too_large = {"name": "tout.csv", "mimeType": "text/csv", "buffer": bytes(33 << 20)}
    page.get_by_label("Fichier").set_input_files(too_large)
    page.get_by_role("button", name="Prévisualiser").click()
    said = page.get_by_label("Fichier").evaluate("field => field.validationMessage")
    assert said == "Ce fichier dépasse 32 Mio : choisissez-en un plus petit."
    page.get_by_label("Fichier").set_input_files(POOLS)
    page.get_by_role("button", name="Prévisualiser").click()
    expect(page.locator("h1")).to_have_text("Ce que le fichier changerait")
    shown(page, keep, "preview of an import")
    page.get_by_label("Motif").fill("Inventaire des contrats")
    page.get_by_role("button", name="Reprendre ces lignes").click()
    follow(page, "/pools$")
    page.get_by_role("link", name="MS-VL-2019-01").click()
    expect(page.get_by_text("Inventaire des contrats")).to_be_visible()
    shown(page, keep, "one line of the pools")


def settle_an_unknown(page: Page, keep: Look) -> str:
    """Says that it is a part of another, after the effect; returns where that was decided."""
    section(page, "Logiciels inconnus")
    link = page.get_by_role("link", name="Dire ce que c’est").first
    decided = link.get_attribute("href") or ""
    link.click()
    page.get_by_label("Pour le décompte des licences, c’est").select_option("component")
    page.get_by_role("button", name="Voir l’effet").click()
    expect(page.get_by_role("heading", name="Effet de la règle")).to_be_visible(timeout=JOB_MS)
    shown(page, keep, "effect of a rule")
    page.get_by_role("button", name="En faire une règle").click()
    expect(page.locator("h1")).to_have_text("Logiciels inconnus")
    return decided


def read_why(page: Page, keep: Look) -> str:
    """Why a line has a gap; returns the product."""
    section(page, "Position")
    row = page.locator("tbody tr", has=page.locator(".state.gap")).first
    address = row.get_by_role("link").get_attribute("href") or ""
    row.get_by_role("link").click()
    expect(page.get_by_role("heading", name="Pourquoi ce chiffre")).to_be_visible()
    expect(page.get_by_text("sans licence").first).to_be_visible()
    expect(page.get_by_role("heading", name="Ce qui changerait le chiffre")).to_be_visible(
        timeout=JOB_MS
    )
    shown(page, keep, "why a number")
    return parse_qs(urlsplit(address).query)["product"][0]


def simulate(page: Page, keep: Look, product: str) -> None:
    section(page, "Simulateur")
    page.locator("#buy-1").fill(product)
    page.locator("#quantity-1").fill("500")
    shown(page, keep, "simulator")
    page.get_by_role("button", name="Calculer").click()
    follow(page, "/simulator/results/")
    expect(page.get_by_text("500 licences achetées")).to_be_visible()
    shown(page, keep, "simulation")


def draft_and_review(page: Page, keep: Look) -> str:
    """Drafts to Microsoft and reads all lines; returns the declaration's path."""
    section(page, "Déclarations")
    page.get_by_role("link", name="En préparer une", exact=False).first.click()
    page.get_by_label("À l’éditeur").select_option("microsoft")
    page.get_by_role("button", name="Préparer le projet").click()
    follow(page, r"/declarations/\d{8}-[0-9a-f]{6}$")
    shown(page, keep, "review")
    first = page.locator("#lines tbody tr").first
    first.get_by_role("button").click()
    expect(first.locator(".state.good")).to_be_visible()
    while True:
        page.get_by_role("button", name=re.compile("J’ai relu l(a|es) ")).click()
        expect(page.get_by_role("button", name=re.compile("J’ai relu l(a|es) "))).to_have_count(0)
        if not page.locator("a[rel=next]").count():
            break
        page.locator("a[rel=next]").click()
    expect(page.locator("#state")).to_have_text("relue")
    return page.url.partition("?")[0].partition("#")[0]


def approve(page: Page, keep: Look, declaration: str) -> None:
    """Looks at what is disclosed, sets aside what is in the way, and approves."""
    page.goto(declaration)
    page.get_by_role("link", name="Communication et approbation").first.click()
    expect(page.get_by_role("cell", name="999000110")).to_be_visible()
    for guard in page.get_by_role("checkbox").all():
        guard.check()
    for reason in page.locator("input[name^=reason-]").all():
        reason.fill("Vu avec le service")
    shown(page, keep, "approval")
    page.get_by_role("button", name="Approuver ce qui est affiché ici").click()
    expect(page.locator("#state")).to_have_text("approuvée")


def seal_and_submit(page: Page, keep: Look) -> None:
    page.get_by_role("button", name="Sceller", exact=True).click()
    follow(page, "/submission$")
    expect(page.locator("#state")).to_have_text("scellée")
    shown(page, keep, "sealed")
    page.get_by_role("button", name="Déposer sur site").click()
    follow(page, "/submission$")
    expect(page.locator("#state")).to_have_text("déposée")


def verify(page: Page, keep: Look, folder: Path) -> None:
    """The sealed document, downloaded and checked as somebody else would."""
    with page.expect_download() as downloading:
        page.get_by_role("link", name="declaration.pdf").click()
    document = folder / "declaration.pdf"
    downloading.value.save_as(document)
    section(page, "Déclarations")
    page.get_by_role("link", name="Vérifier un document").click()
    page.get_by_label("Déclaration (PDF)").set_input_files(document)
    page.get_by_role("button", name="Vérifier", exact=True).click()
    row = page.get_by_role("row", name=re.compile("chaque chiffre est la somme"))
    expect(row.get_by_text("tient")).to_be_visible()
    shown(page, keep, "verification")


def test_two_people_declare_from_the_first_sign_in_to_the_receipt(
    company: Company, keep: Look, tmp_path: Path
) -> None:
    passwords = {
        name: accounts.add(
            company.house.collector, name, full, [role], function=function, reason="nommé"
        )[1]
        for name, full, role, function in (
            ("claire", "Claire Martin", Role.LICENCE_MANAGER, "Gestionnaire de licences"),
            ("denis", "Denis Leroy", Role.DSI, "DSI"),
        )
    }

    with company.console.page() as page:
        come_in(page, "claire", passwords["claire"])
        take_pools_in(page, keep)
        decided = settle_an_unknown(page, keep)
        simulate(page, keep, read_why(page, keep))
        declaration = draft_and_review(page, keep)
        page.goto(f"{declaration}/disclosure")
        expect(page.get_by_role("button", name="Approuver")).to_have_count(0)
        page.goto("/unknown")
        expect(page.locator("h1")).to_have_text("Logiciels inconnus")
        expect(page.locator(f'a[href="{decided}"]')).to_have_count(0)

    with company.console.page() as page:
        come_in(page, "denis", passwords["denis"])
        approve(page, keep, declaration)
        seal_and_submit(page, keep)
        (receipt,) = company.site.receipts()
        expect(page.get_by_text(receipt["number"])).to_be_visible()
        shown(page, keep, "receipt")
        verify(page, keep, tmp_path)
