"""What the site shows. Names of fields can be changed, as they are when a site is rebuilt."""

import html
from collections.abc import Mapping

LAYOUT = """<!DOCTYPE html>
<html lang="fr"><head><meta charset="utf-8"><title>{title}</title>
<body><h1>{title}</h1>{out}{body}"""
OUT = "<form id=search-box action=/recherche method=get><input name=q type=search></form>"


def page(title: str, body: str, *, signed_in: bool = True) -> bytes:
    out = f'<a id="sign-out" href="/deconnexion">Se déconnecter</a>{OUT}' if signed_in else ""
    return LAYOUT.format(title=title, out=out, body=body).encode()


def field(label: str, name: str, names: Mapping[str, str], kind: str = "text") -> str:
    # Labels stand before their field, as people see them; two ways of saying which one.
    shown = names.get(name, name)
    if kind == "around":
        return f"<p><label>{label} * <input name='{shown}' required></label>"
    own = f"id='f-{name}' type={kind} name='{shown}'"
    return f"<p><label for='f-{name}'>{label} :</label><input {own} required>"


def form(where: str, token: str, body: str, upload: bool = False) -> str:
    kind = ' enctype="multipart/form-data"' if upload else ""
    return (
        f'<form class="declaration" method="post" action="{where}"{kind}>'
        f'<input type="hidden" name="jeton" value="{token}">{body}'
        "<button type=submit name=suite value=1>Continuer</button></form>"
    )


def sign_in(token: str, said: str = "") -> bytes:
    body = field("Identifiant", "login", {}) + field("Mot de passe", "secret", {}, "password")
    return page(
        "Connexion", f"<p class=error>{said}</p>" + form("/connexion", token, body), signed_in=False
    )


def company(token: str, names: Mapping[str, str]) -> bytes:
    body = (
        field("Raison sociale", "raison", names)
        + field("N° SIREN", "siren", names, "around")
        + field("Votre référence", "reference", names)
        + "<p><label for=t>Taille</label><select id=t name=taille>"
        "<option value='' >?<option value=pme>PME<option value=eti selected>ETI</select>"
    )
    return page("Votre société", form("/declaration/1", token, body))


def figures(token: str, names: Mapping[str, str]) -> bytes:
    body = (
        field("Lignes en écart", "ecarts", names)
        + field("Déclaration (PDF)", "pdf", names, "file")
        + field("Données (JSON)", "json", names, "file")
    )
    return page("Vos chiffres", form("/declaration/2", token, body, upload=True))


def confirm(token: str, names: Mapping[str, str], said: Mapping[str, str]) -> bytes:
    rows = "".join(
        f"<li>{html.escape(name)} : {html.escape(value)}" for name, value in said.items()
    )
    own = f"type=checkbox name={names.get('accord', 'accord')} value=oui required"
    box = f"<p><label><input {own}> Je certifie</label>"
    return page("Confirmation", f"<ul>{rows}</ul>" + form("/declaration/3", token, box))


def refused(reason: str) -> bytes:
    return page("Refus", f"<p class=refusal>{html.escape(reason)}</p>")


def receipt(number: str, reference: str) -> bytes:
    body = f"<p>Récépissé n° <b id=receipt-number>{number}</b> pour {html.escape(reference)}</p>"
    return page("Récépissé", body)


def search(found: str, asked: str) -> bytes:
    body = (
        "<form id=find action=/recherche><label for=q>Référence</label><input id=q name=q></form>"
    )
    if asked:
        body += (
            f"<p>Récépissé n° <b id=receipt-number>{found}</b>"
            if found
            else "<p id=nothing>Aucune déclaration"
        )
    return page("Recherche", body)
