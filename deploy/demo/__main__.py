"""Runs the demo: `python -m deploy.demo FOLDER`. It may be run again; the folder is made anew."""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).parent
# A collector that this shell is set up for must not notice the demo.
ENVIRONMENT = {key: value for key, value in os.environ.items() if not key.startswith("QUITUS_")}
# Beside this interpreter: the demo shows the commands that a user would type.
COMMANDS = Path(sys.executable).parent
FLEET, OTHER_ENTITY = 180, 60
ENTITIES = ("999000110", "999000227")
# Lies in every folder that the demo made, so that no other folder is ever emptied.
MARK = ".quitus-demo"


class Demo:
    """One run in its folder."""

    def __init__(self, folder: Path) -> None:
        """`folder` holds everything the demo makes."""
        self.folder = folder
        self.home = folder / "collector"
        self.step_number = 0

    def run(self) -> None:
        """From nothing to a declaration."""
        self._prepare()
        self._step("a collector with its certificate authority")
        self._collector("init")
        with self._serving() as address:
            self._step(
                "this machine enrols with a one-time token and reports what it has installed"
            )
            token = self._token("this-machine", uses=1, entity=ENTITIES[0])
            self._agent("enrol", "--collector", address, "--token-file", str(token))
            self._agent("report")
            self._agent("status")
            self._step(f"{FLEET + OTHER_ENTITY} sample workstations of two companies do the same")
            self._fleet(address, entity=ENTITIES[0], skip=0, devices=FLEET)
            self._fleet(address, entity=ENTITIES[1], skip=FLEET, devices=OTHER_ENTITY)
            self._collector("devices", "show", socket.gethostname(), tail=1)
            self._step("licence pools and a price list, made up, from CSV files")
            self._collector("pools", "import", str(HERE / "pools.csv"))
            self._collector("prices", "import", str(HERE / "prices.csv"))
            self._step("the effective licence position")
            self._collector("position")
            self._step("the declaration to one publisher, as a draft")
            out = str(self.folder)
            self._collector("declaration", "draft", "--publisher", "microsoft", "--out", out)
        print("\nOpen the PDF; the JSON beside it holds the same figures.")
        print(f"Ask the collector more: .venv/bin/quitus-collector --home {self.home} --help")

    def _prepare(self) -> None:
        if self.folder.exists() and not self.folder.is_dir():
            sys.exit(f"demo: {self.folder} is a file: name another folder with make demo DEMO=…")
        if self.folder.exists() and any(self.folder.iterdir()):
            if not (self.folder / MARK).exists():
                sys.exit(
                    f"demo: {self.folder} is not empty and not the demo's: name another folder"
                )
            shutil.rmtree(self.folder)
        self.home.mkdir(mode=0o700, parents=True)
        (self.folder / MARK).touch()
        shutil.copy(HERE / "collector.toml", self.home)

    def _step(self, what: str) -> None:
        self.step_number += 1
        print(f"\n[{self.step_number}/6] {what}", flush=True)

    def _collector(self, *words: str, tail: int = 0) -> str:
        return self._call("quitus-collector", "--home", str(self.home), *words, tail=tail)

    def _agent(self, *words: str) -> str:
        return self._call("quitus-agent", "--state", str(self.folder / "agent"), *words)

    def _token(self, name: str, *, uses: int, entity: str) -> Path:
        """A join token in a file that only its owner reads: tokens are not for screens."""
        file = self.folder / f"{name}.token"
        token = self._call(
            *("quitus-collector", "--home", str(self.home), "token", "create"),
            *("--uses", str(uses), "--entity", entity, "--label", name),
            quiet=True,
        )
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as out:
            out.write(token)
        return file

    def _fleet(self, address: str, *, entity: str, skip: int, devices: int) -> None:
        token = self._token(f"fleet-{entity}", uses=devices, entity=entity)
        words = ["--collector", address, "--token-file", str(token)]
        words += ["--devices", str(devices), "--skip", str(skip)]
        command = [sys.executable, "-m", "tests.fleet", *words]
        self._check(subprocess.run(command, check=False, env=ENVIRONMENT))

    def _call(self, command: str, *words: str, tail: int = 0, quiet: bool = False) -> str:
        """Runs a command as a user would, shows it, and shows its answer or its last lines."""
        print(f"  $ {command} {' '.join(words)}", flush=True)
        done = subprocess.run(
            [COMMANDS / command, *words],
            check=False,
            stdout=subprocess.PIPE,
            text=True,
            env=ENVIRONMENT | {"COLUMNS": str(shutil.get_terminal_size((110, 24)).columns - 4)},
        )
        self._check(done)
        if not quiet:
            lines = done.stdout.splitlines()
            for line in lines[-tail:]:
                print(f"    {line}".rstrip(), flush=True)
        return done.stdout

    @staticmethod
    def _check(done: "subprocess.CompletedProcess[str]") -> None:
        if done.returncode:
            sys.exit(f"demo: this command failed with status {done.returncode}: {done.args}")

    @contextmanager
    def _serving(self) -> Iterator[str]:
        """A collector on free loopback ports; yields where devices enrol."""
        words: Sequence[str] = (
            str(COMMANDS / "quitus-collector"),
            *("--home", str(self.home), "serve"),
        )
        print("  $ quitus-collector serve   (in the background, its log in collector.log)")
        with (
            (self.folder / "collector.log").open("w") as log,
            subprocess.Popen(
                words, stdout=subprocess.PIPE, stderr=log, text=True, env=ENVIRONMENT
            ) as serving,
        ):
            try:
                ready = serving.stdout.readline().split() if serving.stdout else []
                if not ready:
                    sys.exit(f"demo: the collector did not start: see {log.name}")
                print(f"    {' '.join(ready)}")
                yield f"localhost:{ready[2].rstrip(',')}"
            finally:
                serving.terminate()


if __name__ == "__main__":
    Demo(Path(sys.argv[1] if len(sys.argv) > 1 else "demo")).run()
