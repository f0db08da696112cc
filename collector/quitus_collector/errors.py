"""What can go wrong in the collector, one class per decision a caller takes."""


class CollectorError(Exception):
    """Root of the collector's errors; its text is a sentence for the person who reads it.

    Where `values` are given the text is a message of the catalogues, with {names} for them: pages
    say it in the reader's language, logs and programs in English.
    """

    def __init__(self, text: str = "", /, **values: object) -> None:
        """Formats the text only where there are values: what comes from outside may have braces."""
        super().__init__(text.format(**values) if values else text)
        self.message = text
        self.values = values


class UsageError(CollectorError):
    """The request cannot be carried out as given; the caller has to change it."""


class ChangedMeanwhile(UsageError):
    """Somebody else changed it since it was looked at; the text names it."""


class CatalogueError(CollectorError):
    """A file of the catalogue cannot be used; the text names it."""


class EnrolmentRefused(CollectorError):
    """The device is not admitted; the text tells it no more than that."""


class DeviceRefused(CollectorError):
    """A device's certificate opens nothing now; the text tells it why and what to do."""


class InvalidRequest(CollectorError):
    """A message from outside is malformed or over a limit; the text names the field."""


class FullReportWanted(CollectorError):
    """What a report builds on is not what is held; nothing was taken in."""


class Quarantined(CollectorError):
    """Two machines may be speaking as one device; nothing was taken in until a person decides."""


class AgentTooOld(CollectorError):
    """The agent that speaks is older than the settings admit; nothing was taken in."""


class TooManyReports(CollectorError):
    """The device or its address has to wait; `retry_after_s` is in seconds."""

    def __init__(self, text: str, retry_after_s: int) -> None:
        """Nothing was taken in."""
        super().__init__(text)
        self.retry_after_s = retry_after_s


class UnknownDevice(CollectorError):
    """No such device is enrolled."""


class StoreError(CollectorError):
    """The database cannot serve; the text says which one and what to do."""


class StoreAway(StoreError):
    """No transaction can succeed until somebody sees to the database, or it comes back."""


class StoreConflict(StoreError):
    """Another transaction was in the way: the same one may succeed now."""


class RenderError(CollectorError):
    """A document could not be made."""


class FilingRefused(CollectorError):
    """A declaration may not take this step now; the text says why and what to do."""


class PortalRefused(CollectorError):
    """The portal says no to what was sent, and keeps none of it."""


class PortalMismatch(CollectorError):
    """The portal is not as its description says; the text names the page and what is missing."""


class NotSent(CollectorError):
    """The portal could not be reached, or failed before it had the declaration: it has none."""


class OutcomeUnknown(CollectorError):
    """Whether the portal has the declaration is not known."""


class SealError(CollectorError):
    """A document cannot be sealed as asked; nothing was sealed, and the text says why."""


class SignInRefused(CollectorError):
    """Nobody is signed in by what was given; the text tells no more than the person may know."""


class TooManyAttempts(CollectorError):
    """Nobody may sign in from this address for a while, not even with the right password."""
