"""Join tokens, and the authorities that let devices in."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

from quitus_collector.adapters.authority import company as company_certificates
from quitus_collector.adapters.authority import folder as authority_folder
from quitus_collector.adapters.authority.folder import RootKey
from quitus_collector.domain.audit import Event, Kind
from quitus_collector.domain.device import CompanyAuthority, Device
from quitus_collector.services import (
    access,
    company_authorities,
    enrolment,
)
from quitus_collector.wiring.collector import Collector


def create_token(
    collector: Collector, uses: int, valid_for: timedelta, entity: str | None, label: str
) -> str:
    """Makes a join token and returns it, for the only time."""
    return enrolment.create_token(
        collector.store,
        collector.authority,
        collector.clock,
        actor=collector.actor,
        uses=uses,
        valid_for=valid_for,
        entity=entity,
        label=label,
    )


def trust_company(
    collector: Collector,
    authority_id: str,
    file: Path,
    revocations: Sequence[Path],
    names: str,
    entity: str,
) -> CompanyAuthority:
    """Lets the machines in whose certificates an authority of the company's own issued."""
    authority = CompanyAuthority(
        authority_id,
        company_certificates.read_authority(file),
        collector.clock.now(),
        names,
        entity or None,
        company_certificates.read_revocations(revocations),
    )
    company_authorities.trust(collector.store, authority, actor=collector.actor)
    return authority


def list_company_authorities(
    collector: Collector,
) -> list[tuple[CompanyAuthority, datetime | None]]:
    """Those authorities, each with the end of its revocation lists."""
    with collector.store.reading() as work:
        found = work.company_authorities.list()
    return [(each, company_certificates.revocations_end(each)) for each in found]


def set_revocations(collector: Collector, authority_id: str, files: Sequence[Path]) -> None:
    """Takes newer revocation lists of such an authority in."""
    lists = company_certificates.read_revocations(files)
    company_authorities.set_revocations(
        collector.store, collector.clock, authority_id, lists, actor=collector.actor
    )


def change_authority(collector: Collector, kind: Kind, root_key: RootKey | None) -> str:
    """Renews the issuing authority, or prepares, activates or retires a root; says what."""
    folder, now, authority = collector.config.authority, collector.clock.now(), collector.authority
    store = collector.store
    if kind is Kind.AUTHORITY_RENEWED:
        made = authority_folder.renew(folder, now, root_key=root_key, validity=collector.validity)
        said = f"the issuing authority is good until {made.issuing_ends_at:%Y-%m-%d}"
    elif kind is Kind.ROOT_PREPARED:
        file = authority_folder.prepare(folder, now, root_key=root_key)
        said = f"{file} goes to the devices with the answers to their reports"
    elif kind is Kind.ROOT_ACTIVATED:
        made = authority_folder.activate(
            folder, now, root_key=root_key, validity=collector.validity
        )
        said = f"{made.active} is in charge; the former root stays trusted until it is retired"
    else:
        names = authority_folder.retire(folder)
        said = f"no longer trusted: {', '.join(names) or 'none, there is no former root'}"
    with store.writing() as work:
        work.audit.add(Event(now, kind, collector.actor, authority.active, {"now": said}))
    return said


def without_next_root(collector: Collector) -> list[Device]:
    """Active devices that have not said yet that they trust what is to be trusted."""
    digest = access.trust_digest(collector.authority.trust_roots()).hex()
    with collector.store.reading() as work:
        return [
            each
            for each in work.devices.list()
            if not each.revoked_at and each.trust_digest != digest
        ]


def with_former_issuer(collector: Collector) -> list[Device]:
    """Devices whose certificate is older than the issuing authority, so of one before."""
    now, before = (
        collector.clock.now(),
        collector.authority.issuing_starts_at + collector.validity.device,
    )
    with collector.store.reading() as work:
        return [
            each
            for each in work.devices.list()
            if not each.revoked_at and now < each.certificate_expires_at < before
        ]
