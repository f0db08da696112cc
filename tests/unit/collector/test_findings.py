from dataclasses import replace
from datetime import date
from zoneinfo import ZoneInfo

import pytest

from quitus_collector.adapters.messages import Messages
from quitus_collector.adapters.terminal import position_pages
from quitus_collector.domain.entitlement import Channel
from quitus_collector.domain.findings import Finding, FindingKind, Seen, findings
from quitus_collector.domain.install import Install
from quitus_collector.domain.proof import Proof, ProofKind
from quitus_collector.domain.report import Update
from quitus_collector.services.observing import observe
from tests.builders import a_device, an_entitlement, an_install, shipped_catalogue
from tests.fakes.clock import FakeClock
from tests.fakes.store import MemoryStore

CATALOGUE = shipped_catalogue()
TODAY = date(2026, 11, 23)
MICROSOFT = "Microsoft Corporation"


def found(*installs: Install, key_servers: frozenset[str] = frozenset()) -> list[Finding]:
    seen = [Seen(each, CATALOGUE.recognise(each)) for each in installs]
    return list(findings({"pc-1": seen}, CATALOGUE, TODAY, key_servers))


def kinds(*installs: Install, **options: frozenset[str]) -> list[tuple[str, str]]:
    return [(each.kind.value, each.evidence) for each in found(*installs, **options)]


def an_activation(family: str = "Enterprise", **identifiers: str) -> Install:
    said = {"application": "windows", "licence_family": family, "licence_status": "licensed"}
    return Install("x", publisher=MICROSOFT, source="activation", identifiers=said | identifiers)


def test_a_version_whose_support_has_ended_is_named_with_the_day() -> None:
    old = Install("Microsoft Office Standard 2016", publisher=MICROSOFT)
    new = Install("Microsoft Office LTSC Standard 2024", publisher=MICROSOFT)

    assert kinds(old) == [("out-of-support", "2025-10-14")]
    assert found(old)[0].source.startswith("https://learn.microsoft.com/lifecycle/")
    assert kinds(new) == []


@pytest.mark.parametrize(
    ("name", "publisher", "version", "source", "evidence"),
    [
        (
            "MySQL Server 5.7",
            "Oracle Corporation",
            "5.7.44",
            "windows-uninstall",
            "2023-10-31 (5.7)",
        ),
        ("PostgreSQL 10", "PostgreSQL Global Development Group", "10.23-1", "", "2022-11-10 (10)"),
        ("redhat-release-server", "Red Hat, Inc.", "7.9", "rpm", "2024-06-30 (7)"),
        ("sles-release", "SUSE LLC <https://www.suse.com/>", "15.5", "rpm", "2024-12-31 (15.5)"),
    ],
)
def test_what_is_sold_without_versions_is_told_out_of_support_by_its_build(
    name: str, publisher: str, version: str, source: str, evidence: str
) -> None:
    old = Install(name, version=version, publisher=publisher, source=source)

    assert kinds(old) == [("out-of-support", evidence)]
    assert kinds(replace(old, version="99.1")) == []
    assert kinds(replace(old, version="")) == []


def test_a_long_term_edition_is_not_told_by_the_days_of_the_others() -> None:
    names = ("Microsoft Windows 10 Entreprise LTSC", "Windows 10 IoT Enterprise LTSC")

    assert kinds(*(Install(each, publisher=MICROSOFT) for each in names)) == []


def test_every_day_of_the_catalogue_names_where_it_was_published() -> None:
    releases = [each for product in CATALOGUE.products.values() for each in product.releases]

    assert len(releases) > 500
    assert all(each.source.startswith("https://") for each in releases)


@pytest.mark.parametrize(
    ("identifiers", "expected"),
    [
        ({"licence_status": "licensed", "channel": "oem"}, []),
        ({"licence_status": "grace", "channel": "mak"}, []),
        (
            {"licence_status": "notification", "channel": "kms-client"},
            [("not-activated", "kms-client, notification")],
        ),
        ({"licence_status": "unlicensed"}, [("not-activated", "?, unlicensed")]),
        (
            {"licence_status": "unlicensed", "channel": "evaluation"},
            [("evaluation-expired", "evaluation, unlicensed")],
        ),
    ],
)
def test_what_the_licensing_service_says_is_told(
    identifiers: dict[str, str], expected: list[tuple[str, str]]
) -> None:
    assert kinds(an_activation(**identifiers)) == expected


def test_a_key_server_is_unknown_only_beside_known_ones() -> None:
    activation = an_activation(kms_host="KMS.example.org", channel="kms-client")

    assert kinds(activation) == []
    assert kinds(activation, key_servers=frozenset({"kms.example.org"})) == []
    assert kinds(activation, key_servers=frozenset({"kms.example.fr"})) == [
        ("unknown-key-server", "kms.example.org")
    ]


def test_an_enterprise_edition_without_a_full_licence_below_it_is_told() -> None:
    windows = Install("Microsoft Windows 11 Entreprise", publisher=MICROSOFT)

    assert kinds(windows, an_activation(channel="kms-client")) == [
        ("no-base-licence", "kms-client")
    ]
    assert kinds(windows, an_activation("Professional", channel="oem")) == []
    assert kinds(windows) == [], "nothing is known of the activation"


def test_free_use_that_is_closed_to_large_companies_is_to_be_checked() -> None:
    docker = Install("Docker Desktop", publisher="Docker Inc.", version="4.28.0")

    (condition,) = found(docker)

    assert condition.kind is FindingKind.CONDITION
    assert "250 employees" in condition.evidence
    assert condition.source == "Docker Subscription Service Agreement"
    assert condition.document()["devices"] == ["pc-1"]


@pytest.mark.parametrize(
    ("day", "count"), [("2026-01-01", 1), ("2026-11-01", 0), ("", 0), ("x", 0)]
)
def test_an_evaluation_ends_after_180_days(day: str, count: int) -> None:
    server = Install(
        "Microsoft SQL Server 2022 Evaluation Edition", publisher=MICROSOFT, installed_on=day
    )

    assert len([each for each in found(server) if each.kind.value == "evaluation-expired"]) == count


def test_the_fleets_findings_name_each_device_once_in_french(
    capsys: pytest.CaptureFixture[str],
) -> None:
    store = MemoryStore()
    row = an_install("Docker Desktop", publisher="Docker Inc.")
    with store.writing() as work:
        for name in ("d-1", "d-2"):
            work.devices.add(a_device(name))
            work.inventories.change({name: Update((row,), (), b"")})

    answer = observe(store, CATALOGUE, FakeClock())
    position_pages.findings(answer, CATALOGUE, Messages("fr", ZoneInfo("Europe/Paris")))

    assert [each.devices for each in answer] == [("d-1", "d-2")]
    out = capsys.readouterr().out
    assert "Docker Desktop : à vérifier – Gratuit pour les entreprises de moins de 250" in out
    assert "sur 2 postes : d-1, d-2" in out
    assert "source : Docker Subscription Service Agreement" in out


def test_days_are_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    old = found(Install("MySQL Server 5.7", version="5.7.44", publisher="Oracle Corporation"))

    position_pages.findings(old, CATALOGUE, Messages("fr", ZoneInfo("Europe/Paris")))

    fact = "MySQL Server : le support de l’éditeur a pris fin le 31 octobre 2023 (5.7)"
    assert fact in capsys.readouterr().out


def test_where_there_is_nothing_to_find_that_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    position_pages.findings([], CATALOGUE, Messages("fr", ZoneInfo("Europe/Paris")))

    assert capsys.readouterr().out == "Rien n’a été relevé à côté de la position.\n"


def test_used_licences_that_are_not_shown_to_be_lawful_are_named(
    capsys: pytest.CaptureFixture[str],
) -> None:
    store = MemoryStore()
    shown = {"previous_owners": ("Saturne SA",), "first_sale": "FR", "perpetual": True}
    with store.writing() as work:
        work.entitlements.add(an_entitlement("A", channel=Channel.USED))
        work.entitlements.add(an_entitlement("B", channel=Channel.USED, **shown))
        work.entitlements.add(an_entitlement("C", channel=Channel.USED, **shown))
        work.entitlements.add(an_entitlement("D"))
        kind = ProofKind.CHAIN_OF_TITLE
        work.proofs.add(Proof("C", "aa", kind, "titre.pdf", 1, FakeClock().now()))

    (finding,) = observe(store, CATALOGUE, FakeClock())
    position_pages.findings([finding], CATALOGUE, Messages("fr", ZoneInfo("Europe/Paris")))

    assert (finding.kind.value, finding.evidence) == ("used-without-title", "A, B")
    said = capsys.readouterr().out
    assert "licences d’occasion dont le titre n’est pas établi : A, B" in said
    assert "poste" not in said
