"""The console's door, and its accounts as the command line sees them."""

from collections.abc import Collection
from datetime import timedelta
from hashlib import sha256

from quitus_collector.domain.account import SESSION, Account, Role
from quitus_collector.services import signing_in
from quitus_collector.services.signing_in import Door
from quitus_collector.wiring import notifying
from quitus_collector.wiring.collector import Collector

# Below the collector's folder: what second factors are encrypted with.
KEY = "console.key"
# The account that a new collector has.
FIRST = "administrator"


def door(collector: Collector) -> Door:
    """What signing in works with; makes its key once."""
    # Loaded for this alone: most commands know no passwords.
    from quitus_collector.adapters.signing_in.one_time_codes import TimeCodes, key_in
    from quitus_collector.adapters.signing_in.passwords import Argon2Hasher

    key = key_in(collector.config.home / KEY)
    factor = TimeCodes(key)
    config, oidc = collector.config, collector.config.console.oidc
    return Door(
        collector.store,
        collector.clock,
        Argon2Hasher(),
        factor,
        apart=config.approval.apart,
        approver_wait=timedelta(hours=config.approver_wait_hours),
        key=sha256(b"known browsers\0" + key).digest(),
        company_session=timedelta(hours=oidc.session_hours) if oidc else SESSION,
        letters=lambda addresses, event: notifying.warn(collector, addresses, event),
    )


def add_first(collector: Collector) -> str:
    """Makes the first administrator; returns the first password."""
    _, password = add(collector, FIRST, FIRST, [Role.ADMINISTRATOR])
    return password


def add(
    collector: Collector,
    name: str,
    full_name: str,
    roles: Collection[Role],
    *,
    function: str = "",
    email: str = "",
    reason: str = "",
) -> tuple[Account, str]:
    """A new account and its first password; raises UsageError."""
    return signing_in.make_account(
        door(collector),
        name,
        full_name,
        roles,
        actor=collector.actor,
        function=function,
        email=email,
        language=collector.config.language,
        reason=reason,
    )


def reset(collector: Collector, name: str, *, reason: str = "") -> str:
    """Another first password, and no second factor; sessions end. Raises UsageError."""
    return signing_in.reset(door(collector), name, actor=collector.actor, reason=reason)


def unlock(collector: Collector, name: str) -> Account:
    """Forgets wrong passwords and codes; raises UsageError."""
    return signing_in.unlock(door(collector), name, actor=collector.actor)


def change(
    collector: Collector,
    name: str,
    *,
    roles: Collection[Role] | None = None,
    is_disabled: bool | None = None,
    reason: str = "",
    on_behalf_of: str = "",
    seen: str = "",
) -> Account:
    """Other roles, or shut out, or let in again; raises UsageError."""
    return signing_in.change(
        door(collector),
        name,
        roles=roles,
        is_disabled=is_disabled,
        reason=reason,
        actor=collector.actor,
        on_behalf_of=on_behalf_of,
        seen=seen,
    )
