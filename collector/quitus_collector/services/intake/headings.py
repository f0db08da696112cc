"""What people call the columns of their licence lists, in French and in English."""

import re
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from difflib import get_close_matches


def names_in(text: str) -> frozenset[str]:
    """What a text that is written `one|another` names."""
    return frozenset(text.split("|"))


# The fields of a neutral line, each with what columns of it are called besides its own name.
FIELDS: dict[str, str] = {
    "id": (
        "identifier|identifiant|reference|ref|reference interne|line id|entitlement|"
        "entitlement id|id de ligne|numero de ligne|licence id|license id|n de licence|"
        "numero de licence|license number|licence number|code licence|ent id|entitlement identifier"
    ),
    "product": (
        "produit|logiciel|software|titre|product name|nom du produit|nom produit|nom du logiciel|"
        "designation|designation produit|libelle|libelle produit|intitule|article|item|"
        "item name|description|product description|application|product family|"
        "famille de produits|license product family|licence product family|title"
    ),
    "publisher": (
        "editeur|vendor|licensor name|publisher name|manufacturer name|vendor name|"
        "manufacturer|fabricant|constructeur|marque|software publisher|licensor"
    ),
    "version": "product version|version du produit|license version|licence version|release",
    "edition": "product edition|edition du produit",
    "part_number": (
        "part no|part|sku|ref editeur|reference editeur|reference article|reference produit|"
        "reference fabricant|reference constructeur|code article|code produit|product code|"
        "product sku|item number|manufacturer part number|mpn|part number"
    ),
    "quantity": (
        "quantite|qte|qty|nombre|nb|nombre de licences|nb licences|nb de licences|"
        "nombre licences|number of licences|number of licenses|licences achetees|"
        "licenses purchased|licences purchased|quantite achetee|quantity purchased|"
        "purchased quantity|license quantity|licence quantity|seats|sieges|postes|"
        "nombre de postes|entitled|entitled quantity|quantity owned|quantite detenue|"
        "licences owned|licenses owned|effective quantity|effective license quantity|"
        "effective licence quantity|count|units|unites"
    ),
    "units_per_pack": (
        "pack size|taille du pack|units per pack|unites par pack|licences par pack|"
        "licenses per pack|licences per pack|unites par lot|conditionnement"
    ),
    "metric": (
        "metrique|metric name|license metric|licence metric|unite de mesure|unit of measure|mesure|"
        "type de metrique|metric type|unite|unit|mode de comptage|counted by|compte par"
    ),
    "channel": (
        "canal|type|type de licence|license type|licence type|programme|program|"
        "purchase type|type d achat|mode d acquisition|licensing program|"
        "programme de licence|nature|acquisition|origine"
    ),
    "valid_from": (
        "debut|date de debut|start|start date|du|from|purchase date|date d achat|valable du|"
        "valide du|valable a partir du|date d effet|effective date|acquired on|acquis le|"
        "date d acquisition|date de commande|order date|activation date|validity from|"
        "validite du|validite debut|date facture|date de facture|invoice date|validity start"
    ),
    "valid_until": (
        "fin|date de fin|end|end date|au|until|to|expiry|expiry date|expiration|expires|"
        "expiration date|date d expiration|echeance|date d echeance|valable jusqu au|"
        "valide jusqu au|validite au|validite fin|fin de validite|validity until|validity to|"
        "validity end|expire le|renewal date|date de renouvellement|valid to"
    ),
    "maintenance_until": (
        "maintenance|fin de maintenance|maintenance end|maintenance end date|"
        "date de fin de maintenance|maintenance jusqu au|sa end date|sa until|sa expiry|"
        "fin de sa|software assurance until|software assurance end|fin de software assurance|"
        "fin software assurance|support until|fin de support|upgrade protection until"
    ),
    "proof": (
        "preuve|facture|n de facture|numero de facture|invoice|invoice number|contrat|"
        "n de contrat|numero de contrat|contract|contract number|agreement|"
        "agreement number|preuve d achat|proof of purchase|purchase order|bon de commande|"
        "n de commande|numero de commande|order number|po number|po|justificatif|"
        "reference contrat|document|commande|source"
    ),
    "entity": (
        "entite|siren|siret|societe|legal entity|entite juridique|filiale|company|"
        "siren de l entite|subsidiary"
    ),
    "bound_to": (
        "poste lie|lie a|device|machine|ordinateur|attached to|rattache a|assigned device|"
        "affecte a|assigned to|bound|poste|nom du poste|hostname"
    ),
    "downgrade": (
        "droit de downgrade|downgrade right|downgrade rights|version anterieure|"
        "droit a une version anterieure|versions anterieures|retrogradation"
    ),
    "edition_downgrade": (
        "down edition|edition inferieure|downgrade d edition|droit a une edition inferieure"
    ),
    "second_use": (
        "second usage|deuxieme usage|usage secondaire|secondary use|portable use right|"
        "second use right|home use|poste portable"
    ),
    "devices_per_user": (
        "postes par utilisateur|appareils par utilisateur|installations par utilisateur|"
        "installs per user"
    ),
    "virtual_machines": (
        "machines virtuelles|vm|vms|nombre de vm|guests|vm par hote|vms per host|"
        "virtualisation|virtualization"
    ),
    "requires_base": (
        "produit de base|base|licence de base|base product|base licence|base license|"
        "upgrade from|mise a jour de|qualifying product"
    ),
    "previous_owners": (
        "anciens proprietaires|ancien proprietaire|proprietaires precedents|previous owner|"
        "chain of title|chaine de titres|chaine de propriete|chaine des proprietaires|vendeur|"
        "cedant|cedants|former owner|former owners|precedent proprietaire|first acquirer|"
        "premier acquereur"
    ),
    "first_sale": (
        "premiere vente|pays de premiere vente|first sale country|country of first sale|"
        "first sold in|premiere vente en|premiere mise sur le marche|first sale in the eea|"
        "premiere vente dans l eee"
    ),
    "perpetual": "perpetuelle|perpetuel|is perpetual|duree illimitee|perpetual licence",
}
# What lists have besides and no rule here needs.
PASSED_OVER = names_in(
    "prix|price|cost|cout|montant|amount|total|prix unitaire|unit price|devise|currency|"
    "fournisseur|supplier|revendeur|reseller|commentaire|commentaires|comment|comments|notes|"
    "remarque|remarques|langue|language|pays|country|service|department|cle|key|"
    "cle de licence|product key|contact|statut|status|categorie|category"
)
_PUNCTUATION = re.compile(r"[^a-z0-9]+")
_BRACKETED = re.compile(r"\([^)]*\)|\[[^\]]*\]")
# From here on, two words are so alike that one is a slip of the other.
_LIKE = 0.85


def plain(words: object) -> str:
    """A heading in lower case, without accents, punctuation and blanks at its ends."""
    letters = unicodedata.normalize("NFKD", str(words).replace("°", " ").replace("œ", "oe"))
    unaccented = "".join(each for each in letters if not unicodedata.combining(each))
    return _PUNCTUATION.sub(" ", unaccented.casefold()).strip()


class Vocabulary:
    """What one kind of list calls its columns.

    Lines can be read where each group of `needed` has a column; `example` shows people how.
    """

    def __init__(
        self, fields: Mapping[str, str], needed: Sequence[Sequence[str]], example: str
    ) -> None:
        """`fields` gives each field's other names, `one|another`; the first to claim one has it."""
        self._fields = fields
        self._needed = needed
        self.example = example
        self._synonyms: dict[str, str] = {}
        for field, names in fields.items():
            for name in (field, *names.split("|")):
                self._synonyms.setdefault(plain(name), field)

    def field_of(self, heading: object) -> str | None:
        """The field that a column is of, by its heading; what stands in brackets may be more."""
        text = str(heading)
        for each in (text, _BRACKETED.sub(" ", text)):
            if found := self._synonyms.get(plain(each)):
                return found
        return None

    def slip_of(self, heading: object) -> str | None:
        """The field whose name a heading that is of none was probably meant to be."""
        words = plain(heading)
        if not words or words in PASSED_OVER:
            return None
        close = get_close_matches(words, self._synonyms, n=1, cutoff=_LIKE)
        return self._synonyms[close[0]] if close else None

    def lacks(self, fields: Collection[str]) -> str | None:
        """A field that is needed besides these."""
        lacking = (group[0] for group in self._needed if not set(group) & set(fields))
        return next(lacking, None)

    def names_of(self, field: str) -> str:
        """Some of the headings that a column of it may have."""
        return ", ".join((field, *self._fields[field].split("|")[:4]))


LICENCES = Vocabulary(
    FIELDS,
    (("product", "part_number"), ("quantity",)),
    "produit, quantité, métrique, canal, date de fin; product, quantity, metric, channel",
)
field_of, slip_of = LICENCES.field_of, LICENCES.slip_of
# An offer is bound to nothing yet, and proves nothing; its days are those of its price.
PRICES = Vocabulary(
    {
        "price": "prix|prix ht|tarif|tarif ht|cost|cout",
        "currency": "devise|monnaie",
        "source": "origine du prix|devis|n de devis|numero de devis|quote|quote number",
        **{
            name: names
            for name, names in FIELDS.items()
            if name not in ("bound_to", "entity", "proof", "previous_owners", "first_sale")
        },
    },
    (("product", "part_number"), ("price",)),
    "référence, produit, prix, quantité, métrique; id, product, price, quantity, metric",
)
