"""What this device said and what it still has to say, on its disk, whatever happens meanwhile.

Every file is written whole or not at all. A report that waits is taken away only after the receipt
for it is kept, so that a crash between the two makes it be said again, which changes nothing.
"""

import json
import os
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from quitus_agent import statement
from quitus_agent.errors import AgentError
from quitus_agent.files import write_whole
from quitus_agent.statement import Statement

ACCEPTED_FILE, TROUBLE_FILE, WAITING_FOLDER = "accepted.json", "trouble.json", "waiting"
# A report says all that the one before it said, so the oldest is the one that can be spared.
MAX_WAITING = 16
MAX_WAITING_BYTES = 64 * 1024 * 1024


class Accepted(NamedTuple):
    """The last report that the collector took in; all empty where it took in none.

    `rows` are its rows' digests with their sources; `installs` is what the collector then held.
    """

    digest: bytes = b""
    receipt: bytes = b""
    rows: dict[bytes, str] = {}
    installs: int = 0
    accepted_at: datetime | None = None


class Trouble(NamedTuple):
    """Why reports wait: what happened at the last attempt, and when."""

    reason: str
    at: datetime


class Spool:
    """The reports in an agent's state folder."""

    def __init__(self, state: Path, device_id: str) -> None:
        """Makes nothing yet. What was accepted from another identity is not this device's."""
        self._state = state
        self._device_id = device_id
        self._folder = state / WAITING_FOLDER

    def add(self, said: Statement) -> Path:
        """Keeps a report until it is accepted; the oldest ones go where there are too many."""
        self._folder.mkdir(mode=0o700, exist_ok=True)
        waiting = self.waiting()
        number = int(waiting[-1].stem) + 1 if waiting else 1
        path = self._folder / f"{number:08}.json"
        content = statement.to_json(said)
        write_whole(path, content)
        room = MAX_WAITING_BYTES - len(content)
        for count, old in enumerate(reversed(waiting), start=1):
            room -= old.stat().st_size
            if count >= MAX_WAITING or room < 0:
                old.unlink(missing_ok=True)
        return path

    def waiting(self) -> list[Path]:
        """The reports that wait, oldest first; what a crash left half-written is cleared away."""
        with suppress(FileNotFoundError):
            for path in self._folder.glob(".*"):
                path.unlink(missing_ok=True)
        return sorted(path for path in self._folder.glob("*.json") if path.stem.isdecimal())

    def load(self, path: Path) -> Statement:
        """One report that waits; raises AgentError naming it where it is damaged."""
        try:
            return statement.from_json(path.read_bytes())
        except AgentError as error:
            raise AgentError(f"{path} {error}") from error

    def drop(self, path: Path) -> None:
        """Forgets a report that waits."""
        path.unlink(missing_ok=True)

    def accepted(self) -> Accepted:
        """The last report that was accepted; raises AgentError where its record is damaged."""
        path = self._state / ACCEPTED_FILE
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
            if document["device_id"] != self._device_id:
                return Accepted()
            return Accepted(
                digest=bytes.fromhex(document["digest"]),
                receipt=bytes.fromhex(document["receipt"]),
                rows={bytes.fromhex(row): source for row, source in document["rows"].items()},
                installs=document["installs"],
                accepted_at=datetime.fromisoformat(document["accepted_at"]),
            )
        except FileNotFoundError:
            return Accepted()
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise AgentError(
                f"{path} is damaged: remove it; the collector will ask a person whether this is"
                " the same machine"
            ) from error

    def accept(self, accepted: Accepted) -> None:
        """Keeps the receipt of a report, and what the next one builds on."""
        document = {
            "device_id": self._device_id,
            "digest": accepted.digest.hex(),
            "receipt": accepted.receipt.hex(),
            "installs": accepted.installs,
            "accepted_at": accepted.accepted_at.isoformat() if accepted.accepted_at else None,
            "rows": {row.hex(): source for row, source in accepted.rows.items()},
        }
        write_whole(self._state / ACCEPTED_FILE, json.dumps(document).encode())

    def trouble(self) -> Trouble | None:
        """What happened at the last attempt; None where it went well, or nobody can tell."""
        try:
            document = json.loads((self._state / TROUBLE_FILE).read_text(encoding="utf-8"))
            return Trouble(str(document["reason"]), datetime.fromisoformat(document["at"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def note(self, trouble: Trouble | None) -> None:
        """Keeps what happened, for `status`; never a reason to fail."""
        with suppress(OSError):
            if trouble is None:
                os.unlink(self._state / TROUBLE_FILE)
            else:
                document = {"reason": trouble.reason, "at": trouble.at.isoformat()}
                write_whole(self._state / TROUBLE_FILE, json.dumps(document).encode())
