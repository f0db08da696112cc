"""What can go wrong in the agent, one class per decision a caller takes."""


class AgentError(Exception):
    """Root of the agent's errors; its text is a sentence for the person at the keyboard."""


class UsageError(AgentError):
    """The command cannot be carried out as given; the caller has to change it."""


class SourceError(AgentError):
    """A source is there but could not be read, so nothing may be concluded about its installs."""


class NotEnrolled(AgentError):
    """This device has no identity yet."""


class EnrolmentRefused(AgentError):
    """The collector does not admit this device."""


class EnrolmentWaits(AgentError):
    """A person has to let this device in; asking again later brings the answer."""


class CollectorUnreachable(AgentError):
    """No collector answered; trying again later may help."""


class ComeBackLater(AgentError):
    """The collector is there but takes nothing in now; `after_s` is how long it wants to wait."""

    def __init__(self, text: str, after_s: float) -> None:
        """Nothing was taken in."""
        super().__init__(text)
        self.after_s = after_s


class ReportRefused(AgentError):
    """The collector answered but did not take the report; trying again unchanged will not help."""
