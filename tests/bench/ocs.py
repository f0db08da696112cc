"""Debian's ocsinventory-server on loopback, and the inventories that its agents would send to it.

Apache with mod_perl and MariaDB, in a folder of their own, as the package sets them up; the schema
is that of the package ocsinventory-reports, unpacked and not installed. Needs root.
"""

import http.client
import subprocess
import tempfile
import time
import zlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from xml.sax.saxutils import escape

from tests.fleet.sample import SampleDevice
from tests.waiting import until

# Where the Perl driver looks for a database on `localhost`.
SOCKET = Path("/run/mysqld/mysqld.sock")
MODULES = (
    *("mpm_prefork", "authz_core", "authz_user", "env", "authn_core", "auth_basic", "authn_file"),
    "perl",
)
APACHE = """\
ServerRoot /etc/apache2
ServerName localhost
Listen 127.0.0.1:{port}
PidFile {folder}/apache.pid
DefaultRuntimeDir {folder}
ErrorLog {folder}/error.log
User www-data
Group www-data
StartServers 8
MaxRequestWorkers 20
{modules}
Include /etc/apache2/conf-available/ocsinventory-server.conf
"""
HEADERS = {
    "Content-Type": "application/x-compress",
    "User-Agent": "OCS-NG_unified_unix_agent_v2.10.0",
}
PROLOG = "<REQUEST><DEVICEID>{id}</DEVICEID><QUERY>PROLOG</QUERY></REQUEST>"
ROW = (
    "<SOFTWARES><NAME>{name}</NAME><VERSION>{version}</VERSION><PUBLISHER>{publisher}</PUBLISHER>"
    "<FROM>registry</FROM></SOFTWARES>"
)


class Inventory:
    """What one agent sends: that it is there, then everything."""

    def __init__(self, device: SampleDevice, number: int) -> None:
        self.id = f"bench{number:06}-2026-01-01-00-00-{number % 60:02}"
        self.rows = len(device.inventory.installs)
        mac = ":".join(f"{number >> shift & 255:02x}" for shift in range(40, -8, -8))
        facts = device.facts
        content = (
            f"<BIOS><SSN>SN{number:08}</SSN><SMANUFACTURER>Dell</SMANUFACTURER></BIOS>"
            f"<HARDWARE><NAME>{facts.hostname}</NAME><OSNAME>{escape(facts.system)}</OSNAME>"
            f"<OSVERSION>{facts.system_version}</OSVERSION><CHECKSUM>131071</CHECKSUM>"
            f"<UUID>00000000-0000-0000-0000-{number:012}</UUID><PROCESSORN>1</PROCESSORN></HARDWARE>"
            f"<NETWORKS><MACADDR>{mac}</MACADDR><DESCRIPTION>eth0</DESCRIPTION></NETWORKS>"
            + "".join(
                ROW.format(
                    name=escape(each.name),
                    version=escape(each.version),
                    publisher=escape(each.publisher),
                )
                for each in device.inventory.installs
            )
        )
        self.prolog = _packed(PROLOG.format(id=self.id))
        self.body = _packed(
            f"<REQUEST><DEVICEID>{self.id}</DEVICEID><QUERY>INVENTORY</QUERY>"
            f"<CONTENT>{content}</CONTENT></REQUEST>"
        )


class Server:
    """One that runs."""

    def __init__(self, port: int, database: int, apache: Path) -> None:
        self._port, self._database, self._apache = port, database, apache

    def pids(self) -> tuple[int, int]:
        """Of the database and of the web server."""
        return self._database, int(self._apache.read_text())

    def take_in(self, inventories: Sequence[Inventory], clients: int) -> float:
        """Sends each once, from so many clients; returns the seconds."""
        began = time.perf_counter()
        with ThreadPoolExecutor(clients) as pool:
            list(pool.map(self._send, inventories))
        return time.perf_counter() - began

    def stored(self, inventories: Sequence[Inventory]) -> int:
        """How many of them it holds with all of their rows."""
        ids = ",".join(f"'{each.id}'" for each in inventories)
        counted = _sql(
            "SELECT h.DEVICEID, COUNT(*) FROM hardware h JOIN software s ON s.HARDWARE_ID = h.ID "
            f"WHERE h.DEVICEID IN ({ids}) GROUP BY h.ID",
            "ocsweb",
        )
        rows = {each.id: each.rows for each in inventories}
        found = (line.split("\t") for line in counted.splitlines())
        return sum(rows[device] == int(count) for device, count in found)

    def _send(self, inventory: Inventory) -> None:
        for body in (inventory.prolog, inventory.body):
            connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=120)
            connection.request("POST", "/ocsinventory", body, HEADERS)
            answer = connection.getresponse()
            answer.read()
            connection.close()
            if answer.status != 200:
                # Its agents would try again at their next run; `stored` shows what came of it.
                return


@contextmanager
def serving(port: int) -> Iterator[Server]:
    """Starts database and web server, empty ones, and ends them."""
    if SOCKET.exists():
        raise SystemExit(f"a MariaDB runs on this machine already: {SOCKET} is its socket")
    with tempfile.TemporaryDirectory(prefix="quitus-ocs-", dir="/var/tmp") as name:
        folder = Path(name)
        folder.chmod(0o755)
        for each in (SOCKET.parent, folder / "data"):
            each.mkdir(exist_ok=True)
            _run("chown", "mysql:mysql", str(each))
        data = f"--datadir={folder}/data"
        _run("mariadb-install-db", "--user=mysql", data, "--skip-test-db")
        # As Debian has it: each commit goes to the disk.
        words = ["mariadbd", "--no-defaults", "--user=mysql", data, f"--socket={SOCKET}"]
        words += ["--skip-networking", "--sql-mode=NO_ENGINE_SUBSTITUTION"]
        words += ["--character-set-server=utf8mb4", f"--log-error={folder}/mariadbd.log"]
        database = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            assert until(lambda: _answers("mariadb-admin", "-S", str(SOCKET), "ping"))
            _make_schema(folder)
            conf = folder / "apache.conf"
            modules = "\n".join(
                f"LoadModule {each}_module /usr/lib/apache2/modules/mod_{each}.so"
                for each in MODULES
            )
            conf.write_text(APACHE.format(port=port, folder=folder, modules=modules))
            _run("apache2", "-f", str(conf), "-k", "start")
            try:
                assert until(lambda: _listens(port))
                yield Server(port, database.pid, folder / "apache.pid")
            finally:
                _run("apache2", "-f", str(conf), "-k", "stop")
                until(lambda: not (folder / "apache.pid").exists())
        finally:
            database.terminate()
            database.wait(60)


def _make_schema(folder: Path) -> None:
    subprocess.run(
        ["apt-get", "download", "-qq", "ocsinventory-reports"],
        cwd=folder,
        check=True,
        stderr=subprocess.DEVNULL,
    )
    (package,) = folder.glob("ocsinventory-reports_*.deb")
    _run("dpkg-deb", "-x", str(package), str(folder / "reports"))
    (schema,) = folder.glob("reports/usr/share/ocsinventory-reports/files/ocsbase_new.sql")
    _sql("CREATE DATABASE ocsweb CHARACTER SET utf8 COLLATE utf8_bin")
    _sql("CREATE USER ocs@localhost IDENTIFIED BY 'ocs'; GRANT ALL ON ocsweb.* TO ocs@localhost")
    # The file is of several versions; what this one's server does not know fails, and may.
    with schema.open() as statements:
        subprocess.run(
            ["mariadb", "--force", "-S", SOCKET, "ocsweb"],
            stdin=statements,
            check=False,
            capture_output=True,
        )


def _sql(statement: str, *words: str) -> str:
    command = ["mariadb", "-S", SOCKET, "-N", "-B", "-e", statement, *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def _packed(text: str) -> bytes:
    return zlib.compress(f'<?xml version="1.0" encoding="UTF-8"?>\n{text}'.encode())


def _listens(port: int) -> bool:
    try:
        http.client.HTTPConnection("127.0.0.1", port, timeout=5).connect()
    except OSError:
        return False
    return True


def _answers(*words: str) -> bool:
    return not subprocess.run(words, check=False, capture_output=True).returncode


def _run(*words: str) -> None:
    done = subprocess.run(words, check=False, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(words)} failed: {done.stderr or done.stdout}")
