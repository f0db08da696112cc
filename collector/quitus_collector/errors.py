"""What can go wrong in the collector, one class per decision a caller takes."""


class CollectorError(Exception):
    """Root of the collector's errors; its text is a sentence for the person who reads it."""


class UsageError(CollectorError):
    """The request cannot be carried out as given; the caller has to change it."""


class CatalogueError(CollectorError):
    """A file of the catalogue cannot be used; the text names it."""


class EnrolmentRefused(CollectorError):
    """The device is not admitted; the text tells it no more than that."""


class InvalidRequest(CollectorError):
    """A message from outside is malformed or over a limit; the text names the field."""


class UnknownDevice(CollectorError):
    """No such device is enrolled."""


class StoreError(CollectorError):
    """The database cannot serve; the text says which one and what to do."""


class RenderError(CollectorError):
    """A document could not be made."""
