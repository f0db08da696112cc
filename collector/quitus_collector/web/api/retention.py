"""Policies as the settings have them; how long the history is kept, and forgetting the rest."""

from datetime import datetime
from typing import Annotated

from fastapi import Response
from pydantic import BaseModel, Field

from quitus_collector.domain.account import Permission
from quitus_collector.web.api.calls import Body, Call, Calls
from quitus_collector.web.api.work import BEGUN, JobShown, begin
from quitus_collector.web.pages.administration import policies_of

router = Calls("retention")


class RetentionShown(BaseModel):
    """From when on a past day can be counted; null where nothing was counted yet."""

    history_begins_at: datetime | None


class Purge(Body):
    """What ended longer ago is forgotten; what lasts stays."""

    days: Annotated[int, Field(ge=30, le=36_500)]


class PolicyShown(BaseModel):
    """What is in force, and where the collector's settings say it: `section.setting`."""

    name: str
    value: str
    setting: str


class Policies(BaseModel):
    """In the order of the page."""

    items: list[PolicyShown]


@router.call("GET", "/policies", Permission.ADMINISTER)
def list_policies(call: Call) -> Policies:
    """What the settings say; they are changed in their file."""
    listed = policies_of(call.collector.config, call.collector.messages)
    return Policies(
        items=[
            PolicyShown(name=name, value=value, setting=f"{section}.{setting}")
            for name, value, section, setting in listed
        ]
    )


@router.call("GET", "/retention", Permission.ADMINISTER)
def get_retention(call: Call) -> RetentionShown:
    """From when on the history is kept."""
    with call.collector.store.reading() as work:
        return RetentionShown(history_begins_at=work.fleet.begins_at())


@router.call("POST", "/retention/purge", Permission.ADMINISTER, **BEGUN)
def purge_history(call: Call, response: Response, purge: Purge) -> JobShown:
    """Has the history forgotten that ended longer ago."""
    return begin(call, response, "history-purge", days=str(purge.days))
