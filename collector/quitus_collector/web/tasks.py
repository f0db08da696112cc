"""What jobs do, by their kind."""

from collections.abc import Mapping

from quitus_collector.services.jobs import Task

TASKS: Mapping[str, Task] = {}
