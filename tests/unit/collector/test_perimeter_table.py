from datetime import date
from zoneinfo import ZoneInfo

import pytest

from quitus_collector.adapters.messages import Messages
from quitus_collector.adapters.terminal import device_pages
from quitus_collector.domain.perimeter import Exemption, LegalEntity, Placement, Role, Scope


def test_what_was_said_of_devices_is_told_in_the_reader_s_language(
    capsys: pytest.CaptureFixture[str],
) -> None:
    placement = Placement("d-1", "732829320", "Évry", Role.TEST, Scope.RETIRED, "mis au rebut")
    exemption = Exemption(
        "VS-1", "microsoft", Role.DEVELOPMENT, "contrat 12", valid_until=date(2026, 12, 31)
    )
    entity = LegalEntity("732829320", "Exemple SA", "Groupe Exemple")
    french = Messages("fr", ZoneInfo("Europe/Paris"))

    device_pages.perimeter([("PC-1", placement)], [exemption], [entity], french)

    said = " ".join(capsys.readouterr().out.split())
    for part in (
        "Poste Entité Site Rôle Périmètre Motif",
        "PC-1 732 829 320 Évry recette réformé mis au rebut",
        "1 poste",
        "VS-1 microsoft développement",
        "31 décembre 2026 contrat 12",
        "732 829 320 Exemple SA Groupe Exemple",
    ):
        assert part in said, said
