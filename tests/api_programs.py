"""Programs that call the API, for tests."""

from datetime import timedelta
from typing import Any

from httpx import Response
from starlette.testclient import TestClient

from quitus_collector.domain.account import Permission
from quitus_collector.services import api_tokens
from tests.console import ADDRESS, ConsoleHouse


class Program(TestClient):
    """A program with a token."""

    def __init__(self, house: ConsoleHouse, *scopes: Permission, by: str = "operator test") -> None:
        super().__init__(house.app, base_url=f"{ADDRESS}/api/v1/", follow_redirects=False)
        with house.collector.store.reading() as work:
            label = f"program {len(work.api_tokens.list())}"
        self.issued, self.secret = api_tokens.make(
            house.collector.store,
            house.collector.clock,
            label,
            scopes,
            timedelta(days=1),
            actor=by,
        )
        self.headers["Authorization"] = f"Bearer {self.secret}"
        self._house = house

    def done(self, begun: Response) -> dict[str, Any]:
        """The job that a call began, once it is over."""
        assert begun.status_code == 202, begun.text
        assert begun.headers["location"] == f"/api/v1/jobs/{begun.json()['id']}"
        self._house.work()
        found: dict[str, Any] = self.get(f"{ADDRESS}{begun.headers['location']}").json()
        return found
