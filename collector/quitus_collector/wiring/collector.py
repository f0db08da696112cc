"""A collector's parts, made from its settings and loaded when they are first needed."""

import copy
import os
import pwd
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from quitus_collector.adapters.catalogue import bundle as catalogue_bundle
from quitus_collector.adapters.catalogue import files as catalogue_files
from quitus_collector.adapters.messages import Messages
from quitus_collector.config import Config
from quitus_collector.domain.catalogue import Catalogue
from quitus_collector.domain.optimisation import Solver
from quitus_collector.errors import (
    UsageError,
)
from quitus_collector.services import audit

if TYPE_CHECKING:
    from quitus_collector.adapters.authority import x509
    from quitus_collector.adapters.sql.store import SQLStore

# Below the collector's folder: the customer's own rules, and those of the newest bundle.
OWN_RULES = "catalogue"
UPDATED_RULES = "catalogue-update"


class SystemClock:
    """Implements ports.Clock."""

    def __init__(self, zone: ZoneInfo) -> None:
        """`zone` is where the company's days begin and end."""
        self._zone = zone

    def now(self) -> datetime:
        """Aware, UTC."""
        return datetime.now(UTC)

    def today(self) -> date:
        """The day that the company's calendar shows."""
        return datetime.now(self._zone).date()

    def end_of(self, day: date) -> datetime:
        """The last moment of a day of the company's calendar, UTC."""
        return datetime.combine(day, time.max, self._zone).astimezone(UTC)

    def day_of(self, moment: datetime) -> date:
        """The day of the company's calendar that a moment is in."""
        return moment.astimezone(self._zone).date()


class Collector:
    """One collector on its folder; each part is made when it is first needed."""

    def __init__(self, config: Config) -> None:
        """Touches nothing yet."""
        self.config = config
        self.clock = SystemClock(config.time_zone)
        self._rule_files: tuple[tuple[str, int], ...] | None = None

    @cached_property
    def solver(self) -> Solver:
        """HiGHS, which few commands need and which takes long to load."""
        from quitus_collector.adapters.solver.highs import HighsSolver

        return HighsSolver()

    @cached_property
    def store(self) -> "SQLStore":
        """The database, at the schema of this version; raises StoreError otherwise."""
        from quitus_collector.adapters.sql.store import SQLStore

        self.must_exist()
        store = SQLStore(self.config.database_url)
        store.check_schema()
        return store

    @cached_property
    def authority(self) -> "x509.Authority":
        """The certificate authority."""
        from quitus_collector.adapters.authority import x509

        self.must_exist()
        return x509.Authority(self.config.authority, self.validity)

    @cached_property
    def validity(self) -> "x509.Validity":
        """How long certificates are good for."""
        from quitus_collector.adapters.authority import x509

        days = self.config.certificates
        return x509.Validity(
            *(timedelta(days=each) for each in (days.device, days.server, days.issuing))
        )

    @cached_property
    def actor(self) -> str:
        """Who runs this process, for the audit log: an account, which no variable can change."""
        return f"operator {pwd.getpwuid(os.getuid()).pw_name}"

    @cached_property
    def catalogue(self) -> Catalogue:
        """The rules that recognise products, the customer's own among them."""
        return catalogue_of(self.config.home)

    @cached_property
    def messages(self) -> Messages:
        """What people read, in their language."""
        return Messages(self.config.language, self.config.time_zone)

    def follow_rules(self) -> bool:
        """Reads the rules anew if their files changed since; whether they did."""
        found = tuple(
            (file.name, file.stat().st_mtime_ns)
            for folder in (OWN_RULES, UPDATED_RULES)
            for file in sorted((self.config.home / folder).glob("*.toml"))
        )
        seen, self._rule_files = self._rule_files, found
        if seen is None or seen == found:
            return False
        self.__dict__.pop("catalogue", None)
        return True

    def acting_as(self, actor: str, language: str) -> "Collector":
        """The same collector, for another person than the one who runs this process."""
        other = copy.copy(self)
        other.actor = actor
        other.messages = Messages(language, self.config.time_zone)
        return other

    def took_out(self, what: str, **detail: str) -> None:
        """Writes down that this person takes something out of the house."""
        audit.note_export(self.store, self.clock, self.actor, what, **detail)

    def upgrade(self) -> str | None:
        """Brings the database to the schema of this version; returns the one that it had."""
        from quitus_collector.adapters.sql.store import SQLStore

        self.must_exist()
        store = SQLStore(self.config.database_url)
        before = store.revision()
        store.upgrade()
        store.close()
        return before

    def must_exist(self) -> None:
        """Raises UsageError where no collector was made in the folder."""
        if not self.config.authority.is_dir():
            raise UsageError(
                "there is no collector in {home}: run quitus-collector init, or name its folder "
                "with --home",
                home=self.config.home,
            )


def catalogue_of(home: Path, folder: Path | None = None) -> Catalogue:
    """The newest rules, shipped or of a bundle, below the customer's own; or another folder's.

    Raises CatalogueError, or UsageError where there is no such folder.
    """
    if folder is not None:
        if not folder.is_dir():
            raise UsageError(f"{folder}: is not a folder")
        return catalogue_files.load(folder)
    own = home / OWN_RULES
    shipped, updated = catalogue_files.SHIPPED, home / UPDATED_RULES
    versions = catalogue_files.version(updated), catalogue_files.version(shipped)
    newest = shipped if catalogue_bundle.version_is_older(*versions) else updated
    return catalogue_files.load(newest, own if own.is_dir() else None)
