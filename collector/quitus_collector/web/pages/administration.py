"""Administration: policies as the settings have them, the rules in use, jobs of everyone."""

from typing import Annotated

from fastapi import File, Request, Response, UploadFile

from quitus_collector.config import FILE
from quitus_collector.domain.account import Permission
from quitus_collector.web.rendering import go, page
from quitus_collector.web.uploads import uploaded
from quitus_collector.web.visits import Pages, Visit
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
    context = {"config": config, "file": config.home / FILE}
    return page(request, "policies.html", context)


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


@router.page(HERE + "/jobs", Permission.ADMINISTER)
def jobs(request: Request, visit: Visit) -> Response:
    """The newest of everyone's, without what came of them."""
    with visit.collector.store.reading() as work:
        listed = work.jobs.list(last=100)
    return page(request, "jobs_of_all.html", {"jobs": listed})
