"""Expected devices from a real directory over real TLS."""

import re
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from quitus_collector.adapters import directory
from quitus_collector.config import Directory
from quitus_collector.domain.expected import ExpectedDevice
from quitus_collector.errors import UsageError
from tests.directory import ACCOUNT, BASE, LIMITED, PASSWORD, Computer, DirectoryServer, serving
from tests.portal.authority import make

pytestmark = [pytest.mark.needs("slapd"), pytest.mark.xdist_group("directory")]
EVRY, SUBSIDIARY = f"OU=Évry,{BASE}", f"OU=Filiale,OU=Évry,{BASE}"
COMPUTERS = (
    Computer("PC-1", "Windows 11 Entreprise", place="OU=Évry,"),
    Computer("PC-2", "Windows 10 Professionnel", days=80, place="OU=Filiale,OU=Évry,"),
    Computer("SRV-1", "Windows Server 2022 Standard", site="Lyon"),
    Computer("LX-1", "pc-linux-gnu", place="OU=Évry,"),
    Computer("VIEUX", "Windows 7", days=100),
    Computer("ÉTEINT", "Windows 11", enabled=False),
    Computer("JAMAIS", "Windows 11", days=None),
    Computer("GMSA", "", category="msDS-Group-Managed-Service-Account"),
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DirectoryServer]:
    with serving(tmp_path_factory.mktemp("directory"), *COMPUTERS) as started:
        yield started


def settings(server: DirectoryServer, folder: Path, **fields: object) -> Directory:
    password = folder / "password"
    password.touch(0o600)
    password.write_text(f"{PASSWORD}\n")
    found = Directory(
        url=server.ldaps,
        base=BASE,
        account=ACCOUNT,
        password_file=password,
        authority=server.authority,
        active_days=90,
        filter="",
        site="",
        page=2,
        limit=100,
        timeout_s=20,
        sites={},
        entities={},
    )
    return replace(found, **fields)  # type: ignore[arg-type]


def fetched(settings: Directory) -> directory.Found:
    return directory.expected(settings, None, datetime.now(UTC))


def test_enabled_computers_that_logged_on_lately_are_expected(
    server: DirectoryServer, tmp_path: Path
) -> None:
    found = fetched(settings(server, tmp_path))

    assert found.devices == (
        ExpectedDevice("lx-1.exemple.fr", "", "pc-linux-gnu"),
        ExpectedDevice("pc-1.exemple.fr", "", "Windows 11 Entreprise"),
        ExpectedDevice("pc-2.exemple.fr", "", "Windows 10 Professionnel"),
        ExpectedDevice("srv-1.exemple.fr", "", "Windows Server 2022 Standard"),
    )


def test_starttls_does_as_well_as_tls_from_the_first_byte(
    server: DirectoryServer, tmp_path: Path
) -> None:
    asked = settings(server, tmp_path)

    assert fetched(replace(asked, url=server.ldap)) == fetched(asked)


def test_what_is_elsewhere_is_told_and_not_asked(server: DirectoryServer, tmp_path: Path) -> None:
    found = fetched(settings(server, tmp_path))

    assert found.elsewhere == (f"ldap://enfant.exemple.fr/dc=enfant,{BASE.lower()}",)


def test_places_tell_sites_and_legal_entities(server: DirectoryServer, tmp_path: Path) -> None:
    asked = settings(
        server,
        tmp_path,
        site="l",
        sites={EVRY.lower(): "Évry"},
        entities={EVRY: "999000110", SUBSIDIARY: "732829320"},
    )

    devices = {each.name[:5]: each for each in fetched(asked).devices}

    assert (devices["pc-1."].site, devices["pc-1."].entity) == ("Évry", "999000110")
    assert (devices["pc-2."].site, devices["pc-2."].entity) == ("Évry", "732829320")
    assert (devices["srv-1"].site, devices["srv-1"].entity) == ("Lyon", "")


def test_a_filter_of_one_s_own_takes_the_place_of_ours(
    server: DirectoryServer, tmp_path: Path
) -> None:
    found = fetched(settings(server, tmp_path, filter="(operatingSystem=Windows 7)"))
    enabled = fetched(settings(server, tmp_path, active_days=0))

    assert [each.name for each in found.devices] == ["vieux.exemple.fr"]
    assert {"jamais.exemple.fr", "vieux.exemple.fr"} <= {each.name for each in enabled.devices}
    assert len(enabled.devices) == 6


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"account": f"CN=personne,{BASE}"}, "is refused: its name or its password is wrong"),
        ({"base": f"OU=Rennes,{BASE}"}, f"there is no OU=Rennes,{BASE}, where directory.base"),
        ({"base": "DC=autre,DC=fr"}, "is elsewhere: ldap://ailleurs.example"),
        ({"base": "Évry"}, "'Évry' is not a name in a directory"),
        ({"filter": "(name=*"}, "directory.filter: '(name=*' is not an LDAP filter"),
        ({"filter": "(name=XYZ)"}, "no computer below DC=exemple,DC=fr is as asked for"),
        ({"limit": 3}, "there are more than 3 computers"),
        ({"account": LIMITED}, f"gives {LIMITED} only part of its computers"),
        ({"account": "", "password_file": None}, "there is no DC=exemple,DC=fr"),
        ({"url": "ldaps://localhost:1"}, "cannot be reached: Connection refused"),
        ({"authority": None}, "its certificate is not accepted: .*; directory.authority names"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(
    server: DirectoryServer, tmp_path: Path, fields: dict[str, object], said: str
) -> None:
    with pytest.raises(UsageError) as told:
        fetched(settings(server, tmp_path, **fields))

    assert re.search(said if ".*" in said else re.escape(said), str(told.value)), told.value
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("served", "said"),
    [
        ({"ends": timedelta(days=-1)}, "its certificate is not accepted: certificate has expired"),
        ({"host": "dc1.exemple.fr"}, "Hostname mismatch, certificate is not valid for 'localhost'"),
    ],
)
def test_a_certificate_that_is_over_or_another_machine_s_is_not_accepted(
    tmp_path: Path, served: dict[str, object], said: str
) -> None:
    with serving(tmp_path / "directory", **served) as server:  # type: ignore[arg-type]
        for url in (server.ldaps, server.ldap):
            with pytest.raises(UsageError, match=said):
                fetched(settings(server, tmp_path, url=url))


def test_what_active_directory_says_of_an_account_is_told() -> None:
    message = "80090308: LdapErr: DSID-0C090439, comment: AcceptSecurityContext error, data 532, v4"

    said = directory.refusal({"result": 49, "message": message}, "quitus@exemple.fr")

    assert said == "quitus@exemple.fr is refused: the account's password is over"


def test_nothing_is_asked_in_clear(tmp_path: Path) -> None:
    with (
        serving(tmp_path / "directory", tls=False) as server,
        pytest.raises(UsageError, match="offers no StartTLS, and nothing is asked in clear"),
    ):
        fetched(settings(server, tmp_path, url=server.ldap))


def test_a_server_that_says_nothing_is_not_waited_for(
    server: DirectoryServer, tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        port = mute.getsockname()[1]
        for scheme in ("ldaps", "ldap"):
            asked = settings(server, tmp_path, url=f"{scheme}://127.0.0.1:{port}", timeout_s=1)
            with pytest.raises(UsageError, match="gave no answer"):
                fetched(asked)


@pytest.mark.parametrize(
    "answer",
    [b"\x30\x0c\x02\x01\x01\x7a\x07\x0a\x01\x00", b"\x30\x06" + b"\xff" * 40, b"HTTP/1.1 400\r\n"],
)
def test_what_is_no_answer_is_said_to_be_none(tmp_path: Path, answer: bytes) -> None:
    context = make(tmp_path)

    def babble(mute: socket.socket) -> None:
        for _ in range(2):
            connection, _ = mute.accept()
            with suppress(OSError), context.wrap_socket(connection, server_side=True) as spoken:
                spoken.recv(4096)
                spoken.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=babble, args=(listening,))
        thread.start()
        server = DirectoryServer(
            f"ldaps://localhost:{listening.getsockname()[1]}", "", tmp_path / "ca.pem"
        )
        with pytest.raises(UsageError, match=r"gave no answer|cannot be understood"):
            fetched(settings(server, tmp_path, timeout_s=5))
        thread.join()


def test_of_two_computers_of_one_name_the_last_that_logged_on_is_taken(tmp_path: Path) -> None:
    computers = [
        Computer("PC-1", "Windows 10 Pro", days=40),
        Computer("PC-1", "Windows 11 Pro", days=2, place="OU=Évry,"),
    ]
    with serving(tmp_path / "directory", *computers) as server:
        found = fetched(settings(server, tmp_path))

    assert [each.system for each in found.devices] == ["Windows 11 Pro"]
    assert found.doubled == ("pc-1",)


def test_a_password_is_for_one_account_or_comes_from_systemd(
    server: DirectoryServer, tmp_path: Path
) -> None:
    asked = settings(server, tmp_path)
    given = tmp_path / "credentials"
    given.mkdir()
    (given / "directory").write_text(PASSWORD)
    from_systemd = replace(asked, password_file=tmp_path / "credential:directory")
    now = datetime.now(UTC)

    assert len(directory.expected(from_systemd, given, now).devices) == 4
    with pytest.raises(UsageError, match="systemd gave this process no credentials"):
        directory.expected(from_systemd, None, now)
    (tmp_path / "password").chmod(0o640)
    with pytest.raises(UsageError, match="others may read this secret: chmod 600"):
        fetched(asked)
