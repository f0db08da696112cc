"""Administration: policies as the settings have them, the rules in use, jobs of everyone."""

from typing import Annotated

from fastapi import File, Request, Response, UploadFile

from quitus_collector.adapters.messages import Messages
from quitus_collector.config import FILE, Config
from quitus_collector.domain.account import Permission
from quitus_collector.services import recognition
from quitus_collector.web.rendering import go, page
from quitus_collector.web.uploads import uploaded
from quitus_collector.web.visits import Pages, Visit
from quitus_collector.web.work import LINK, Work
from quitus_collector.wiring import rules

router = Pages()
HERE = "/administration"


@router.page(HERE, Permission.ADMINISTER)
def administration(request: Request, visit: Visit) -> Response:
    """The first of its pages."""
    return go(request, f"{HERE}/accounts")


@router.page(HERE + "/policies", Permission.ADMINISTER)
def policies(request: Request, visit: Visit) -> Response:
    """What the settings say, and which file says it."""
    config = visit.collector.config
    context = {
        "policies": policies_of(config, visit.collector.messages),
        "file": config.home / FILE,
    }
    return page(request, "policies.html", context)


def policies_of(config: Config, messages: Messages) -> list[tuple[str, str, str, str]]:
    """What each is, what is in force, and where it is set."""
    text, number = messages.text, messages.number
    none, unsigned = text("none"), text("none: documents are not signed")
    approval, console = config.approval, config.console
    apart = text("yes") if approval.apart else text("no")
    return [
        (text("Approvals required"), number(approval.approvers), "approval", "approvers"),
        (text("Drafter may not approve"), apart, "approval", "apart"),
        (
            text("Devices that must report"),
            f"{number(approval.coverage_percent)} %",
            "approval",
            "coverage_percent",
        ),
        (text("Seal"), str(config.seal.certificate or unsigned), "seal", "certificate"),
        (text("Timestamps"), config.seal.timestamp_url or none, "seal", "timestamp_url"),
        (text("Who declares"), config.company.name or none, "company", "name"),
        (text("Signatory"), config.company.signatory or none, "company", "signatory"),
        (
            text("Validity of device certificates, in days"),
            number(config.certificates.device),
            "certificates",
            "device",
        ),
        (
            text("Renewable after expiry, in days"),
            number(config.certificates.reentry),
            "certificates",
            "reentry",
        ),
        (
            text("The company’s own sign-in"),
            console.oidc.issuer if console.oidc else none,
            "console.oidc",
            "issuer",
        ),
        (
            text("Daily e-mail to"),
            ", ".join(console.mail.recipients) if console.mail else none,
            "console.mail",
            "recipients",
        ),
        (
            text("Webhooks"),
            ", ".join(each.name for each in console.webhooks) or none,
            "console.webhooks",
            "name",
        ),
        (
            text("Calls per minute and token"),
            number(console.calls_per_minute),
            "console",
            "calls_per_minute",
        ),
    ]


@router.page(HERE + "/catalogue", Permission.ADMINISTER)
def catalogue(request: Request, visit: Visit) -> Response:
    """Which rules recognise products, and the company's own."""
    collector = visit.collector
    context = {
        "catalogue": collector.catalogue,
        "own": rules.own(collector),
        "key": collector.config.console.catalogue_key,
        "file": collector.config.home / FILE,
    }
    return page(request, "catalogue.html", context)


@router.form(HERE + "/catalogue", Permission.ADMINISTER)
def update_catalogue(
    request: Request, visit: Visit, bundle: Annotated[UploadFile, File()]
) -> Response:
    """Takes in a bundle that the configured key has signed."""
    with uploaded(bundle.file.read(), bundle.filename or "bundle") as file:
        rules.update(visit.collector, file)
    visit.figures.expire()
    return go(request, f"{HERE}/catalogue")


def take_in_update(job: Work) -> dict[str, str]:
    """The job of it: the fleet is recognised by the new rules too."""
    with uploaded(job.content, "bundle") as file:
        version = rules.update(job.collector, file)
    job.console.collector.follow_rules()
    recognise(job)
    said = job.collector.messages.text("The rules are of version {version}.", version=version)
    return {"said": said, "version": version, LINK: f"{HERE}/catalogue"}


def recognise(job: Work) -> dict[str, str]:
    """The job of recognising the fleet by the rules in use; nothing is done twice."""
    catalogue = job.console.collector.catalogue
    recognition.refresh(job.collector.store, catalogue)
    job.console.figures.expire()
    said = job.collector.messages.text(
        "The fleet is recognised by the rules of version {version}.", version=catalogue.version
    )
    return {"said": said, LINK: f"{HERE}/catalogue"}


@router.page(HERE + "/jobs", Permission.ADMINISTER)
def jobs(request: Request, visit: Visit) -> Response:
    """The newest of everyone's, without what came of them."""
    with visit.collector.store.reading() as work:
        listed = work.jobs.list(last=100)
    return page(request, "jobs_of_all.html", {"jobs": listed})
