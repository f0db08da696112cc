"""How often one device or one address may call, each collector process for itself."""

import math
from collections import OrderedDict

from quitus_collector.errors import TooManyReports

# Callers remembered at once; who is forgotten starts anew, which costs an attacker an address each.
MOST_REMEMBERED = 200_000


class Rate:
    """So many calls in a time, in any rhythm (the generic cell rate algorithm, ITU-T I.371).

    One number is kept for each caller: when the calls that it made so far would be used up.
    """

    def __init__(self, calls: int, seconds: float) -> None:
        """`calls` are allowed at once, and come back one by one over `seconds`."""
        self._step = seconds / calls
        self._seconds = seconds
        self._used_until: OrderedDict[str, float] = OrderedDict()

    def spend(self, caller: str, now: float) -> None:
        """Counts one call; raises TooManyReports where it is one too many. `now` is in seconds."""
        used_until = max(self._used_until.get(caller, now), now) + self._step
        if used_until - now > self._seconds:
            wait = math.ceil(used_until - now - self._seconds)
            raise TooManyReports("too many calls", wait)
        self._used_until[caller] = used_until
        self._used_until.move_to_end(caller)
        while len(self._used_until) > MOST_REMEMBERED:
            self._used_until.popitem(last=False)
