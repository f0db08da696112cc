"""What a database's error means: whether it fails everybody, and what a person can do about it."""

import os
import sqlite3

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from quitus_collector.errors import StoreAway, StoreConflict, StoreError

# By SQLite's primary result code.
_SQLITE = {
    sqlite3.SQLITE_BUSY: "another program keeps it locked: end that program",
    sqlite3.SQLITE_LOCKED: "another program keeps it locked: end that program",
    sqlite3.SQLITE_READONLY: "make it and its folder writable for the collector's account",
    sqlite3.SQLITE_PERM: "make it and its folder writable for the collector's account",
    sqlite3.SQLITE_CANTOPEN: "put the file back, or restore a backup",
    sqlite3.SQLITE_FULL: "free some space on its disk",
    sqlite3.SQLITE_IOERR: "see to its disk",
    sqlite3.SQLITE_CORRUPT: "it is damaged: restore a backup",
    sqlite3.SQLITE_NOTADB: "it is damaged: restore a backup",
}
# By PostgreSQL's SQLSTATE, whole or its class; without one, the server did not answer.
_POSTGRESQL = {
    "": "start its server, or see to the network between",
    "08": "start its server, or see to the network between",
    "25006": "it takes no writes: is it a standby, or set to read only?",
    "28": "the account or its password is not right: see the database setting and ~/.pgpass",
    "3D000": "there is no such database: make it, or mend the database setting",
    "42501": "give the collector's account the rights that it lacks",
    "53100": "free some space on its disk",
    "53300": "it has too many connections: raise max_connections, or end some",
    "53": "its server lacks resources: see its log",
    "55P03": "another session keeps it locked: end that session",
    "57": "its server is stopping or starting: see its log",
}
# A transaction that PostgreSQL ended in favour of another: serialization failure, deadlock.
_CONFLICTS = ("40001", "40P01")


def told(database: str, error: DBAPIError, file: str = "") -> StoreError:
    """One sentence that names the database, which may be a file.

    StoreAway where no transaction can succeed now, StoreConflict where the same one may.
    """
    reason = (str(error.orig).strip().splitlines() or ["no reason given"])[0]
    sentence = f"the database {database} cannot serve: {reason}"
    if getattr(error.orig, "sqlstate", None) in _CONFLICTS:
        return StoreConflict(sentence)
    advice = _advice(error, file)
    return StoreAway(f"{sentence} ({advice})") if advice else StoreError(sentence)


def _advice(error: DBAPIError, file: str) -> str:
    """Empty where the error is one statement's own."""
    original = error.orig
    if isinstance(original, sqlite3.Error):
        code = (getattr(original, "sqlite_errorcode", None) or 0) & 0xFF
        if code == sqlite3.SQLITE_CANTOPEN and os.path.exists(file):
            # What cannot be opened is a file beside it, which would have to be made.
            code = sqlite3.SQLITE_READONLY
        return _SQLITE.get(code, "")
    state = getattr(original, "sqlstate", None) or ""
    if not state and not isinstance(error, OperationalError | InterfaceError):
        return ""
    return _POSTGRESQL.get(state) or _POSTGRESQL.get(state[:2], "")
