"""A portal that no program may reach: a person deposits it, by a sheet. Implements ports.Portal."""

from collections.abc import Sequence

from quitus_collector.adapters.portals.description import HandPortal, fill
from quitus_collector.errors import OutcomeUnknown
from quitus_collector.services.ports import Accepted, Disclosed, Sending


class ByHand:
    """Sends nothing: whether it was deposited, the person says who did it."""

    def __init__(self, described: HandPortal) -> None:
        """`steps` of the description are what the person does, in order."""
        self.name = described.name
        # A person needs hours, and nothing travels once they say that they did not do it.
        self.timeout_s, self.settles_s = 1, 0
        self.address, self.steps = described.address, tuple(described.steps)
        self._described = described

    def disclose(self, sending: Sending) -> Sequence[Disclosed]:
        """What to type where, and the files to deposit."""
        values = dict(sending.values)
        typed = [
            Disclosed(self.address, each.label or each.name, fill(each.value, values, self.name))
            for each in self._described.fields
        ]
        return [*typed, *(Disclosed(self.address, "file", each) for each in sending.files)]

    def check(self, sending: Sending) -> None:
        """Whether the sheet can be filled in."""
        self.disclose(sending)

    def submit(self, sending: Sending) -> Accepted:
        """Always raises OutcomeUnknown: from now on a person has it in hand."""
        raise OutcomeUnknown(f"to be deposited by hand at {self.address}, then to be said so")

    def look_up(self, reference: str) -> Accepted | None:
        """Only the person who deposits it knows."""
        raise OutcomeUnknown(f"only who deposited it at {self.address} knows of {reference}")
