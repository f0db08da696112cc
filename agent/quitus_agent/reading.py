"""Reading in a process of its own: what crashes, hangs or swells there costs one source.

The agent starts a reader, which does its tasks in order and answers each one through a pipe. When
it ends before its time, or takes too long, the task it was at has failed, and a new reader does
the rest. This holds for code of any kind: a loop in a C library and a disk that never answers too.
"""

import marshal
import os
import re
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Event, Thread
from time import monotonic
from typing import Any, BinaryIO, NamedTuple, Protocol, cast

from quitus_agent import limits
from quitus_agent.device import DeviceFacts
from quitus_agent.errors import AgentError, SourceError
from quitus_agent.inventory import (
    ABSENT,
    FAILED,
    READ,
    Install,
    Inventory,
    Source,
    SourceOutcome,
)
from quitus_agent.limits import CEILING, Ceiling

# The device's own facts, among the names of sources; told only where they could not be read.
DEVICE, PERSON = "device", "primary-user"
# Far beyond any real system, and what a collector takes from a device in all.
MAX_ANSWER_BYTES, MAX_INSTALLS = 32 * 1024 * 1024, 40_000
LENGTH_BYTES = 4
# What everybody shares lies beside people's folders.
PEOPLES_PLACE = (
    r"(?i)[\\/](?:Users|home|Documents and Settings)[\\/](?!(?:Public|Shared)(?:[\\/]|$))"
)
# How long a reader may take to end once it has no more to say, or was told to.
END_SECONDS = 5.0
SIGKILL = 9


class Task(NamedTuple):
    """Something to read under a name; what `run` returns must be plain enough for marshal."""

    name: str
    run: Callable[[], Any]


class Answer(NamedTuple):
    """What came of a task: `found`, or else the reason why it failed."""

    name: str
    found: Any = None
    reason: str = ""


class Reading(NamedTuple):
    """All that is read of a system; `user` is empty where nobody asked."""

    facts: DeviceFacts
    inventory: Inventory
    user: str = ""


class Reader(Protocol):
    """A process that does tasks, and writes their answers to a pipe whose other end is here."""

    answers: BinaryIO
    id: int

    def end(self, *, at_once: bool) -> int:
        """Ends it, at once or if it goes on; its exit status, or minus the signal that ended it."""


Start = Callable[[int], Reader]


def system(
    root: Path,
    *,
    who: bool = False,
    turned_on: Collection[str] = (),
    meanwhile: Callable[[], object] = lambda: None,
) -> Reading:
    """The facts of the system below `root`, its sources, and, if asked, `who` uses it.

    `turned_on` are modules of sources that are read only where somebody wants them. `meanwhile` is
    done here while the reader reads.
    """
    facts, user = DeviceFacts(), ""
    sources: list[Answer] = []
    wanted = (*([PERSON] if who else []), *turned_on)
    for answer in in_turn(_start("system", str(root), ",".join(wanted)), meanwhile=meanwhile):
        if answer.reason or answer.name not in (DEVICE, PERSON):
            sources.append(answer)
        elif answer.name == DEVICE:
            facts = DeviceFacts._make(answer.found)
        else:
            user = answer.found
    return Reading(facts, _inventory(sources), user)


def capture(file: Path, form: str) -> Inventory:
    """What one captured file holds, read as the source or listing of this name."""
    return _inventory(in_turn(_start("capture", str(file), form)))


def readers() -> dict[str, Callable[[Path], Iterable[Install]]]:
    """How each kind of captured file is read, by its name."""
    from quitus_agent import sources
    from quitus_agent.foreign import LISTINGS

    found = {each.name: each.read for each in map(sources.load, sources.ALL)}
    return found | {each.name: each.read for each in LISTINGS}


def _inventory(answers: Iterable[Answer]) -> Inventory:
    outcomes: list[SourceOutcome] = []
    installs: list[Install] = []
    for name, found, reason in answers:
        if reason:
            outcomes.append(SourceOutcome(name, FAILED, reason))
        elif found is None or isinstance(found, str):
            outcomes.append(SourceOutcome(name, ABSENT, found or ""))
        else:
            outcomes.append(SourceOutcome(name, READ))
            installs += map(Install._make, found)
    return Inventory(outcomes, installs)


def in_turn(
    start: Start,
    ceiling: Ceiling = CEILING,
    *,
    meanwhile: Callable[[], object] = lambda: None,
) -> list[Answer]:
    """The answer to every task; `start` makes a reader that begins with the task of this number.

    `meanwhile` runs beside the first reader, and is over before another one starts: a fork in the
    middle of an import would leave the copy waiting for it. Raises AgentError where readers end
    without having begun.
    """
    aside: Thread | None = None
    found: list[Answer] = []
    names: list[str] = []
    while not names or len(found) < len(names):
        done, reason = (len(names), len(found)), ""
        reader = start(len(found))
        if aside is None:
            aside = Thread(target=meanwhile)
            aside.start()
        try:
            for message in _told(reader, ceiling):
                if isinstance(message, list):
                    names = message
                else:
                    found.append(Answer(names[len(found)], *message))
        except SourceError as error:
            reason = str(error)
        finally:
            status = reader.end(at_once=bool(reason))
            aside.join()
        if not reason and status:
            how = f"signal {-status}" if status < 0 else f"exit status {status}"
            reason = f"ended the process that read it: {how}"
        if reason and len(found) < len(names):
            found.append(Answer(names[len(found)], reason=reason))
        if done == (len(names), len(found)):
            raise AgentError(f"nothing can be read: {reason or 'the reader says nothing'}")
    return found


def _told(reader: Reader, ceiling: Ceiling) -> Iterator[Any]:
    """What a reader writes, until it ends; raises SourceError where it takes too much."""
    told: SimpleQueue[Any] = SimpleQueue()
    Thread(target=_pass_on, args=(reader.answers, told.put), daemon=True).start()
    look = None if limits.system_bounds_memory() else limits.MEMORY_CHECK_SECONDS
    deadline = monotonic() + ceiling.seconds
    while True:
        left = deadline - monotonic()
        if left <= 0:
            raise SourceError(f"took longer than {ceiling.seconds:g} seconds")
        try:
            message = told.get(timeout=min(left, look or left))
        except Empty:
            if look and limits.is_above(ceiling.memory_bytes, reader.id):
                raise _too_much(ceiling) from None
            continue
        if message is None:
            return
        yield message
        deadline = monotonic() + ceiling.seconds


def _pass_on(answers: BinaryIO, put: Callable[[Any], None]) -> None:
    """Hands on each message as it comes, and None at the end, which may come in the middle."""
    try:
        with answers:
            while length := answers.read(LENGTH_BYTES):
                message = answers.read(int.from_bytes(length, "little"))
                put(marshal.loads(message))  # noqa: S302 - written by a process of ours
    except (OSError, EOFError, ValueError, TypeError):
        pass
    finally:
        put(None)


def _too_much(ceiling: Ceiling) -> SourceError:
    return SourceError(f"needed more than {ceiling.memory_bytes >> 20} MiB of memory")


# --- The two ways to start a reader ---


def _start(*job: str) -> Start:
    """A fork costs a millisecond; where there is none, or libraries do not survive it, a start."""
    if sys.platform == "linux":
        return partial(Forked, partial(tasks, *job))
    return partial(Started, job)


class Forked:
    """A reader that is a copy of this process; implements Reader."""

    def __init__(
        self, tasks: Callable[[], Sequence[Task]], first: int, ceiling: Ceiling = CEILING
    ) -> None:
        """`tasks` is called in the copy."""
        ours, theirs = os.pipe()
        self.id = os.fork()
        if not self.id:
            status = 1
            try:
                os.close(ours)
                with open(theirs, "wb") as pipe:
                    serve(tasks, first, pipe, ceiling)
                status = 0
            finally:
                os._exit(status)
        os.close(theirs)
        self.answers: BinaryIO = os.fdopen(ours, "rb")

    def end(self, *, at_once: bool) -> int:
        """Waits for it a moment, then ends it; one that the kernel holds is left behind."""
        for told in (at_once, True):
            if told:
                os.kill(self.id, SIGKILL)
            deadline = monotonic() + END_SECONDS
            while monotonic() < deadline:
                ended, status = os.waitpid(self.id, os.WNOHANG)
                if ended:
                    return os.waitstatus_to_exitcode(status)
                Event().wait(0.0005)
        return -SIGKILL


class Started:
    """A reader that is a program of its own; implements Reader."""

    def __init__(self, job: Sequence[str], first: int) -> None:
        """`job` is what `tasks` takes."""
        import subprocess

        # -P: modules are not looked for in the folder that the agent was started in.
        options = ["-P", *(["-B"] if sys.dont_write_bytecode else [])]
        self._process = subprocess.Popen(  # noqa: S603 - this very program
            [sys.executable, *options, "-m", "quitus_agent.reading", str(first), *job],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
        self.id = self._process.pid
        self.answers: BinaryIO = cast("BinaryIO", self._process.stdout)

    def end(self, *, at_once: bool) -> int:
        """Waits for it a moment, then ends it; one that the kernel holds is left behind."""
        import subprocess

        if at_once:
            self._process.kill()
        for _ in range(2):
            try:
                return self._process.wait(END_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
        return -1


# --- In the reader ---


def tasks(kind: str, path: str, detail: str) -> list[Task]:
    """The tasks of a job; those of a system come in the order in which they are reported."""
    if kind == "capture":
        return [Task(detail, partial(_rows, readers()[detail], Path(path)))]
    from quitus_agent import device, people, sources

    root = Path(path)
    todo = [Task(DEVICE, lambda: tuple(device.facts(root)))]
    wanted = detail.split(",")
    if PERSON in wanted:
        todo.append(Task(PERSON, partial(people.primary_user, root)))
    for source in sources.for_system(root, wanted):
        if isinstance(source, SourceOutcome):
            # Not asked; why, if there is more to say than that the system has no such thing.
            todo.append(Task(source.name, partial(str, source.reason)))
        else:
            todo.append(Task(source.name, partial(_scanned, source, root)))
    return todo


def _scanned(source: Source, root: Path) -> list[Any] | None:
    return _rows(source.scan, root) if source.available(root) else None


def _rows(read: Callable[[Path], Iterable[Install]], path: Path) -> list[Any]:
    rows = [tuple(_unplaced(install)) for install in islice(read(path), MAX_INSTALLS + 1)]
    if len(rows) > MAX_INSTALLS:
        raise SourceError(f"lists more than {MAX_INSTALLS} installs")
    if not all(name for name, *_ in rows):
        raise SourceError("lists an install without a name")
    return rows


def _unplaced(install: Install) -> Install:
    """The same, without a place that lies in a person's folder: it would name them."""
    is_persons = install.location and re.search(PEOPLES_PLACE, install.location)
    return install._replace(location="") if is_persons else install


def serve(
    tasks: Callable[[], Sequence[Task]], first: int, pipe: BinaryIO, ceiling: Ceiling = CEILING
) -> None:
    """Tells the names of all tasks, then the answers to those from number `first` on."""
    import faulthandler

    limits.bound_memory(ceiling.memory_bytes)
    todo = tasks()
    _tell(pipe, marshal.dumps([task.name for task in todo]))
    with open(os.devnull, "wb") as nowhere:
        # Ends this process even while C code keeps Python from running, should nobody else do.
        seconds = ceiling.seconds * len(todo[first:]) + END_SECONDS
        faulthandler.dump_traceback_later(seconds, exit=True, file=nowhere)
        for task in todo[first:]:
            found, reason = _answer(task, ceiling)
            _tell(pipe, found or marshal.dumps((None, reason)))
            if reason == str(_too_much(ceiling)):
                # What is left of it stays in memory: a fresh reader does the rest.
                return
        faulthandler.cancel_dump_traceback_later()


def _tell(pipe: BinaryIO, message: bytes) -> None:
    pipe.write(len(message).to_bytes(LENGTH_BYTES, "little") + message)
    pipe.flush()


def _answer(task: Task, ceiling: Ceiling) -> tuple[bytes, str]:
    """What a task found, ready to be told, or else why it failed."""
    try:
        found = marshal.dumps((task.run(), ""))
        if len(found) > MAX_ANSWER_BYTES:
            raise SourceError(f"tells more than {MAX_ANSWER_BYTES >> 20} MiB")
    except SourceError as error:
        return b"", str(error)
    except OSError as error:
        return b"", f"{error.filename}: {error.strerror}" if error.filename else str(error)
    except MemoryError:
        return b"", str(_too_much(ceiling))
    except RecursionError:
        return b"", "is nested too deep"
    except Exception as error:
        # A mistake of ours costs no other source; its text might hold what it read.
        return b"", f"is not understood: {type(error).__name__} in {_place(error)}"
    return found, ""


def _place(error: Exception) -> str:
    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    return f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace else "?"


def main(words: Sequence[str]) -> None:
    """A reader as a program: the number of its first task, then its job."""
    first, *job = words
    limits.lower_priority()
    # Nothing but answers goes to those who wait for them.
    with open(os.dup(1), "wb") as pipe:
        os.dup2(2, 1)
        serve(partial(tasks, *job), int(first), pipe)


if __name__ == "__main__":
    main(sys.argv[1:])
