"""The two programs as users run them: separate processes, real files, real ports."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import NamedTuple

COMMANDS = Path(sys.executable).parent
TIMEOUT_S = 60


class Answer(NamedTuple):
    """What a program answered."""

    status: int
    out: str
    err: str


def run(command: str, *words: str, stdin: str = "", **environment: str) -> Answer:
    """Runs a command to its end, with these variables in its environment."""
    done = subprocess.run(
        [COMMANDS / command, *words],
        check=False,
        capture_output=True,
        text=True,
        input=stdin,
        timeout=TIMEOUT_S,
        env=os.environ | {"COLUMNS": "200"} | environment,
    )
    return Answer(done.returncode, done.stdout, done.stderr)


class CollectorFolder:
    """A collector in a folder of its own."""

    def __init__(self, home: Path) -> None:
        self.home = home
        # Of the process that was started last to serve.
        self.pid = 0

    def set(self, setting: str, value: str) -> None:
        """Gives a setting that the file only shows another value: `name` or `table.name`."""
        file = self.home / "collector.toml"
        table, _, name = setting.rpartition(".")
        before, head, rest = file.read_text().rpartition(f"\n[{table}]") if table else ("", "", "")
        text = rest if table else file.read_text()
        text, count = re.subn(
            rf"^#? ?{name} = \S+",
            f"{name} = {value}",
            text,
            count=1 if table else 0,
            flags=re.MULTILINE,
        )
        assert count == 1, setting
        file.write_text(before + head + text)

    def run(self, *words: str, **environment: str) -> Answer:
        """Runs `quitus-collector` on this folder."""
        return run("quitus-collector", "--home", str(self.home), *words, **environment)

    def ok(self, *words: str) -> str:
        """Runs it where nothing may go wrong; returns what it printed."""
        answer = self.run(*words)
        assert answer.status == 0, answer
        return answer.out

    def token_file(self, *words: str) -> Path:
        """Makes a join token and keeps it as an administrator would."""
        file = self.home / f"token-{len(list(self.home.glob('token-*')))}"
        file.write_text(self.ok("token", "create", *words))
        return file

    def serving(self, *words: str) -> AbstractContextManager[tuple[int, int]]:
        """Serves on free loopback ports; yields the enrolment and the inventory port."""
        return self.serving_on(0, 0, *words)

    @contextmanager
    def serving_on(
        self, enrolment: int, inventory: int, *words: str, host: str = "127.0.0.1"
    ) -> Iterator[tuple[int, int]]:
        """Serves on these loopback ports."""
        addresses = (
            *("--enrolment", f"{host}:{enrolment}"),
            *("--inventory", f"{host}:{inventory}"),
        )
        serve = [COMMANDS / "quitus-collector", "--home", self.home, "serve", *addresses, *words]
        with (
            (self.home / "serve.log").open("w") as log,
            subprocess.Popen(serve, stdout=subprocess.PIPE, stderr=log, text=True) as serving,
        ):
            self.pid = serving.pid
            try:
                assert serving.stdout is not None
                said = serving.stdout.readline().replace(",", " ").split()
                assert said, self.log()
                yield int(said[2]), int(said[5])
            finally:
                serving.terminate()
                assert serving.wait(TIMEOUT_S) in (0, -signal.SIGKILL), self.log()

    def log(self) -> str:
        """What the collector logged while it served."""
        return (self.home / "serve.log").read_text()


class AgentFolder:
    """An agent with a state folder of its own."""

    def __init__(self, state: Path) -> None:
        self.state = state

    def run(self, *words: str, stdin: str = "", **environment: str) -> Answer:
        """Runs `quitus-agent` on this folder."""
        return run("quitus-agent", "--state", str(self.state), *words, stdin=stdin, **environment)

    def enrol(self, port: int, token: Path, *words: str, **environment: str) -> Answer:
        """Enrols with the collector on this loopback port."""
        given = ("--collector", f"localhost:{port}", "--token-file", str(token), *words)
        return self.run("enrol", *given, **environment)
