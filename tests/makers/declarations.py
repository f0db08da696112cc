"""A whole declaration of a small fleet, with evidence that adds up, and what to check it with."""

from datetime import date, timedelta

from quitus_collector.adapters.solver.highs import HighsSolver
from quitus_collector.domain.catalogue import CountingTerms
from quitus_collector.domain.company import Company
from quitus_collector.domain.contribution import contributions
from quitus_collector.domain.counting import lines_of, question
from quitus_collector.domain.declaration import Declaration
from quitus_collector.domain.entitlement import Metric
from quitus_collector.domain.evidence import Evidence
from quitus_collector.domain.licensing.fleet import named_answer_for
from quitus_collector.domain.licensing.situation import CountedDevice
from quitus_collector.domain.perimeter import Perimeter
from quitus_collector.domain.position import Position
from quitus_collector.domain.product import Product
from tests.builders import NOON, OFFICE_2016, OFFICE_2019, an_entitlement

COMPANY = Company(
    "Ateliers Mercure",
    "SAS",
    "999000110",
    "12 quai des Forges",
    "Zoé Noël",
    "directrice des systèmes d’information",
    "Lyon",
)
OFFICE = OFFICE_2016.partition("@")[0]
PHOTOSHOP, SQL = "adobe/photoshop", "microsoft/sql-server/standard"
TERMS = CountingTerms(
    "ab" * 32,
    "2026-11-20",
    {
        OFFICE: Product(OFFICE, "Microsoft Office Professional Plus"),
        PHOTOSHOP: Product(PHOTOSHOP, "Photoshop", metric=Metric.USER),
        SQL: Product(SQL, "SQL Server Standard", metric=Metric.CORE),
    },
    frozenset({OFFICE, SQL}),
)
DAY = date(2026, 11, 23)
ENTITLEMENTS = (
    an_entitlement("VL-1", OFFICE_2019, 5, downgrade=True, proof="Contrat MPSA 4100012"),
    an_entitlement("CC-1", PHOTOSHOP, 1, metric=Metric.USER, proof="VIP A1B2C3"),
)


def a_whole_declaration(**fields: object) -> tuple[Declaration, Evidence]:
    """Eight devices: one without an Office licence, two of one person, one undetermined server."""
    devices = [
        CountedDevice(f"poste-{n}", user=f"p-{n // 2}", cores=8 if n < 7 else 0) for n in range(8)
    ]
    products = {
        **{f"poste-{n}": frozenset({OFFICE_2016}) for n in range(4)},
        "poste-4": frozenset({OFFICE_2019, PHOTOSHOP}),
        "poste-5": frozenset({OFFICE_2019, PHOTOSHOP}),
        "poste-7": frozenset({f"{SQL}@2019"}),
    }
    asked = question(DAY, devices, products, ENTITLEMENTS, TERMS)
    answer, named = named_answer_for(asked.situation, asked.fleet, asked.demanded, HighsSolver())
    lines = lines_of(asked, answer, TERMS)
    certain = frozenset(each.id for each in devices)
    found = contributions(lines, devices, products, named, certain, TERMS, DAY)
    evidence = Evidence(found.parts, bytes(range(32)))
    perimeter = Perimeter(("999000110",), 8, 8, 0, 30, 0, NOON - timedelta(hours=2), ())
    position = Position(NOON, TERMS.digest, perimeter, lines, ())
    values: dict[str, object] = {
        "state": "approved",
        "catalogue_version": TERMS.version,
        "bases": found.bases,
        "entitlements": ENTITLEMENTS,
        "evidence": evidence.commitment,
    }
    declaration = Declaration(
        COMPANY,
        None,
        "",
        position,
        NOON,
        "0.1.0",
        **(values | fields),  # type: ignore[arg-type]
    )
    return declaration, evidence
