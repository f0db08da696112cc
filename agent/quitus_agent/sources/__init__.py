"""The sources that the agent reads, in the order in which they are reported."""

from quitus_agent.inventory import Source
from quitus_agent.sources import dpkg

SOURCES: tuple[Source, ...] = (dpkg.SOURCE,)
