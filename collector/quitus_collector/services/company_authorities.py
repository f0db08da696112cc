"""Which authorities of the company's own let devices in."""

from dataclasses import replace

from quitus_collector.domain.audit import Event, Kind
from quitus_collector.domain.device import CompanyAuthority
from quitus_collector.errors import UsageError
from quitus_collector.services.ports import Clock, Store


def trust(store: Store, authority: CompanyAuthority, *, actor: str) -> None:
    """Lets the machines of this authority in; raises UsageError where the id is taken."""
    with store.writing() as work:
        if any(each.id == authority.id for each in work.company_authorities.list()):
            raise UsageError(
                "there is a company authority {id!r} already: remove it", id=authority.id
            )
        work.company_authorities.add(authority)
        detail = {"names": authority.names, "entity": authority.entity or ""}
        what = _subject(authority.id)
        work.audit.add(Event(authority.added_at, Kind.COMPANY_TRUSTED, actor, what, detail))


def set_revocations(
    store: Store, clock: Clock, authority_id: str, revocations: str, *, actor: str
) -> CompanyAuthority:
    """Puts revocation lists in place of those that an authority had; raises UsageError."""
    with store.writing() as work:
        found = [each for each in work.company_authorities.list() if each.id == authority_id]
        if not found:
            raise _unknown(authority_id)
        authority = replace(found[0], revocations=revocations)
        work.company_authorities.add(authority)
        event = Event(clock.now(), Kind.COMPANY_REVOCATIONS, actor, _subject(authority_id))
        work.audit.add(event)
    return authority


def distrust(store: Store, clock: Clock, authority_id: str, *, actor: str) -> None:
    """Lets nobody in by this authority any more; devices that it let in stay.

    Raises UsageError where there is none of this id.
    """
    with store.writing() as work:
        if all(each.id != authority_id for each in work.company_authorities.list()):
            raise _unknown(authority_id)
        work.company_authorities.remove(authority_id)
        work.audit.add(Event(clock.now(), Kind.COMPANY_DISTRUSTED, actor, _subject(authority_id)))


def _subject(authority_id: str) -> str:
    return f"company authority {authority_id}"


def _unknown(authority_id: str) -> UsageError:
    return UsageError("there is no company authority {authority_id!r}", authority_id=authority_id)
