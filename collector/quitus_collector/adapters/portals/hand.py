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
        self.address = described.address
        self._described = described

    def disclose(self, sending: Sending) -> Sequence[Disclosed]:
        """The sheet: what to do in order, what to type where, the files to deposit."""
        values, found = dict(sending.values), []
        for number, step in enumerate(self._described.steps, 1):
            found.append(Disclosed(self.address, f"{number}.", fill(step, values, self.name)))
        for each in self._described.fields:
            filled = fill(each.value, values, self.name)
            found.append(Disclosed(self.address, each.label or each.name, filled))
        return [*found, *(Disclosed(self.address, "file", each) for each in sending.files)]

    def check(self, sending: Sending) -> None:
        """Whether the sheet can be filled in."""
        self.disclose(sending)

    def submit(self, sending: Sending) -> Accepted:
        """Always raises OutcomeUnknown: from now on a person has it in hand."""
        raise OutcomeUnknown(
            "to be deposited by hand at {address}, then to be said so", address=self.address
        )

    def look_up(self, reference: str) -> Accepted | None:
        """Only the person who deposits it knows."""
        raise OutcomeUnknown(
            "only who deposited it at {address} knows of {reference}",
            address=self.address,
            reference=reference,
        )
