"""Deliveries of notices, as jobs."""

from quitus_collector.web.work import Work
from quitus_collector.wiring import notifying


def mail(job: Work) -> dict[str, str]:
    """Sends a digest."""
    return dict(notifying.deliver_mail(job.collector, job.arguments, job.content))


def hook(job: Work) -> dict[str, str]:
    """Tells a program."""
    return dict(notifying.deliver_hook(job.collector, job.arguments, job.content))
