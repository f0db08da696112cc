"""Debian machines of our own: a system that debootstrap made, booted by systemd-nspawn.

They share this machine's network, so a collector and an ssh server answer on loopback. Needs root.
What debootstrap made is kept for the next run in QUITUS_TREES (default: ~/.cache/quitus).
"""

import fcntl
import hashlib
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.waiting import until

TREES = Path(os.environ.get("QUITUS_TREES") or Path.home() / ".cache/quitus")
MIRROR = os.environ.get("QUITUS_DEBIAN_MIRROR", "http://deb.debian.org/debian")
SUITE = "bookworm"
INCLUDED = ("systemd", "systemd-sysv", "python3", "python3-apt", "openssh-server", "rpm")
TIMEOUT_S = 180
# Its own /run: nspawn takes locks there. It ends with the process that started it.
BOOT = 'mount -t tmpfs tmpfs /run && exec setpriv --pdeathsig KILL systemd-nspawn "$@"'


def tree() -> Path:
    """A Debian that has not been started; made once, by one process."""
    recipe = " ".join((SUITE, *INCLUDED))
    kept = TREES / f"{SUITE}-{hashlib.sha256(recipe.encode()).hexdigest()[:12]}"
    TREES.mkdir(parents=True, exist_ok=True)
    with (TREES / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            new = kept.with_suffix(".new")
            shutil.rmtree(new, ignore_errors=True)
            made = subprocess.run(
                [
                    *("debootstrap", "--variant=minbase", f"--include={','.join(INCLUDED)}"),
                    *(SUITE, new, MIRROR),
                ],
                check=False,
                capture_output=True,
                text=True,
            )
            assert made.returncode == 0, made.stdout[-2000:] + made.stderr
            shutil.rmtree(new / "var/cache/apt/archives")
            new.rename(kept)
    return kept


class Machine:
    """One that runs."""

    def __init__(self, root: Path, leader: int, ssh_port: int, key: Path) -> None:
        """`leader` is the process that is number 1 in there."""
        self.root, self.ssh_port, self.key = root, ssh_port, key
        self._enter = ("nsenter", "-t", str(leader), "-m", "-u", "-i", "-p", "-r", "-w")

    def run(self, *words: str, stdin: str = "") -> "subprocess.CompletedProcess[str]":
        """Runs a command in there, as root."""
        path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        return subprocess.run(
            [*self._enter, *words],
            check=False,
            capture_output=True,
            text=True,
            input=stdin,
            timeout=TIMEOUT_S,
            env={"PATH": path, "LANG": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"},
        )

    def ok(self, *words: str, stdin: str = "") -> str:
        """Runs one where nothing may go wrong; returns what it printed."""
        done = self.run(*words, stdin=stdin)
        assert done.returncode == 0, (words, done.stdout, done.stderr)
        return done.stdout

    def place(self, path: str) -> Path:
        """A file in there, as it is seen from here."""
        return self.root / path.lstrip("/")

    def files(self) -> set[str]:
        """Everything that lies in there, but for what runs, and logs."""
        passed_over = ("proc", "sys", "dev", "run", "tmp", "var/log", "var/cache")
        found = set()
        for folder, folders, names in os.walk(self.root):
            inside = os.path.relpath(folder, self.root)
            folders[:] = [
                n for n in folders if os.path.normpath(f"{inside}/{n}") not in passed_over
            ]
            found |= {os.path.normpath(f"/{inside}/{name}") for name in (*folders, *names)}
        return found


@contextmanager
def booted(folder: Path, name: str) -> Iterator[Machine]:
    """A fresh machine of this name in an empty folder, which is gone afterwards."""
    root, key = folder / "root", folder / "key"
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["cp", "-a", "--reflink=auto", tree(), root], check=True)
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    port = free_port()
    _prepare(root, name, port, key.with_suffix(".pub").read_text())
    words = ("-D", root, "--register=no", "--keep-unit", "-b", f"--hostname={name}")
    with (folder / "boot.log").open("w") as log:
        process = subprocess.Popen(
            ["unshare", "-m", "sh", "-c", BOOT, "boot", *words],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
        leader = 0
        try:
            leader = _leader(process)
            machine = Machine(root, leader, port, key)
            running = ("systemctl", "is-system-running", "--wait")
            assert until(lambda: machine.run(*running).stdout.strip() in ("running", "degraded"))
            yield machine
        except AssertionError as error:
            raise AssertionError(f"{error}\n{(folder / 'boot.log').read_text()[-2000:]}") from error
        finally:
            # Nobody misses what it would write on its way out.
            with suppress(ProcessLookupError):
                os.kill(leader or process.pid, signal.SIGKILL)
            process.wait(20)
            shutil.rmtree(root)


def _prepare(root: Path, name: str, port: int, public_key: str) -> None:
    (root / "etc/hostname").write_text(f"{name}\n")
    (root / "etc/hosts").write_text(f"127.0.0.1 localhost {name}\n")
    (root / "etc/machine-id").write_text("")
    (root / "etc/ssh/sshd_config.d/here.conf").write_text(f"Port {port}\nListenAddress 127.0.0.1\n")
    # It lives for a minute: nothing of it needs to survive a loss of power.
    (root / "etc/dpkg/dpkg.cfg.d/here").write_text("force-unsafe-io\n")
    keys = root / "root/.ssh"
    keys.mkdir(mode=0o700, exist_ok=True)
    (keys / "authorized_keys").write_text(public_key)


def _leader(process: "subprocess.Popen[bytes]") -> int:
    """The first process of the system that `process` boots."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")

    def first() -> int:
        assert process.poll() is None, "the machine did not start"
        for child in children.read_text().split():
            status = Path(f"/proc/{child}/status").read_text().splitlines()
            (numbers,) = (line.split()[1:] for line in status if line.startswith("NSpid:"))
            if numbers[1:] == ["1"]:
                return int(child)
        return 0

    assert until(lambda: first() > 0)
    return first()


def free_port() -> int:
    """A port of loopback that nobody uses now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
    return port
