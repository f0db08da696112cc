from dataclasses import replace
from pathlib import Path

import pytest

from quitus_collector import config
from quitus_collector.errors import UsageError


def written(home: Path, text: str) -> Path:
    (home / config.FILE).write_text(text)
    return home


def test_without_a_file_the_defaults_hold(tmp_path: Path) -> None:
    settings = config.load(tmp_path, {}, {})

    assert settings.language == "fr"
    assert settings.database_url == f"sqlite:///{tmp_path}/quitus.db"
    assert settings.enrolment_address == "0.0.0.0:7443"


def test_the_file_that_init_writes_is_the_defaults(tmp_path: Path) -> None:
    written(tmp_path, config.TEMPLATE.format(names='["localhost"]'))

    written_out, absent = (config.load(home, {}, {}) for home in (tmp_path, tmp_path / "none"))

    assert replace(written_out, home=absent.home, database_url=absent.database_url) == absent


def test_flags_win_over_the_environment_and_the_environment_over_the_file(tmp_path: Path) -> None:
    written(tmp_path, 'language = "fr"\n[listen]\nenrolment = "127.0.0.1:1"\n')
    environment = {"QUITUS_COLLECTOR_LANGUAGE": "en"}

    settings = config.load(tmp_path, environment, {"enrolment": "127.0.0.1:2"})

    assert (settings.language, settings.enrolment_address) == ("en", "127.0.0.1:2")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("langage = 'fr'", "langage: unknown key"),
        ("language = 'de'", "language: input should be 'fr' or 'en'"),
        ("time_zone = 'Paris'", "time_zone: 'Paris' is not a time zone like Europe/Paris"),
        ("[listen]\nenrolment = '7443'", "listen.enrolment: '7443' is not HOST:PORT"),
        ("[listen]\nnames = []", "listen.names: "),
        ('[listen]\nnames = [""]', "listen.names[0]: '' is neither a host name nor an address"),
        ("[listen]\nnames = ['a..b']", "listen.names[0]: 'a..b' is neither"),
        ("a = " + "[" * 5000, "nested too deep"),
        ("[company]\nsiren = '999000119'", "company.siren: '999000119' is not a SIREN"),
        ("listen = 3", "listen: "),
        ("[seal]\ntimestamp_url = 'ftp://a.fr'", "seal.timestamp_url: 'ftp://a.fr' is not an addr"),
        ("[seal]\ntimestamp_url = 'http://'", "seal.timestamp_url: 'http://' is not a web addr"),
        ("[seal]\ntimestamp_url = 'http://a.fr'", "seal: certificate is missing"),
        ("[seal]\ncertificate = 'a'\nlong_term = true", "seal: long_term needs"),
        (
            "[directory]\nurl = 'http://dc.fr'",
            "directory.url: 'http://dc.fr' is not an address like",
        ),
        ("[directory]\nurl = 'ldaps://dc.fr'", "directory: base is missing"),
        ("[directory]\naccount = 'a'", "directory: account and password_file go together"),
        ("[directory.entities]\nOU = '123'", "directory.entities.OU: '123' is not a SIREN"),
        ("language =", "Invalid value"),
    ],
)
def test_a_wrong_file_is_refused_with_the_setting(
    tmp_path: Path, text: str, complaint: str
) -> None:
    with pytest.raises(UsageError) as raised:
        config.load(written(tmp_path, text), {}, {"inventory": "127.0.0.1:3"})

    assert str(raised.value).startswith(f"{tmp_path / config.FILE}: {complaint}")


def test_a_host_name_may_have_accents(tmp_path: Path) -> None:
    names = '[listen]\nnames = ["collecteur-évreux.fr", "192.0.2.7", "2001:db8::7"]'

    settings = config.load(written(tmp_path, names), {}, {})

    assert settings.names == ("xn--collecteur-vreux-lqb.fr", "192.0.2.7", "2001:db8::7")


def test_a_siren_may_be_written_in_groups(tmp_path: Path) -> None:
    settings = config.load(written(tmp_path, "[company]\nsiren = '999 000 110'"), {}, {})

    assert settings.company.siren == "999000110"


def test_what_seals_lies_in_the_collector_s_folder_and_addresses_may_have_accents(
    tmp_path: Path,
) -> None:
    text = """[seal]
certificate = "company.p12"
passphrase_file = "/etc/quitus/passphrase"
timestamp_url = "https://horodatage-évreux.fr:8443/tsa?p=1"
"""

    seal = config.load(written(tmp_path, text), {}, {}).seal

    assert seal.certificate == tmp_path / "company.p12"
    assert seal.passphrase_file == Path("/etc/quitus/passphrase")
    assert seal.timestamp_url == "https://xn--horodatage-vreux-lqb.fr:8443/tsa?p=1"
