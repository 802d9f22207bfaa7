"""Microsoft Graph's errors, named by what a caller can do about them.

None of them means that people are gone: a reader that raises has said nothing about anybody.
"""


class GraphError(Exception):
    """Base of the errors below; the message is fit for an administrator and holds no secret and no personal data."""


class GraphBusy(GraphError):
    """Graph or Entra's sign-in is down, slow or asks to wait: the same call may succeed later."""

    def __init__(self, message: str, retry_after: int = 30) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        """Seconds."""


class GraphUnclear(GraphBusy):
    """The answer is not what Graph's documentation promises, so nothing may be concluded from it."""


class GraphImplausible(GraphUnclear):
    """A complete answer is empty where there were people before."""


class GraphCredentials(GraphError):
    """Entra does not accept the connection, or a permission is missing: an administrator has to act."""


class GraphRefused(GraphError):
    """Graph refuses this request, now and later: a setting is wrong."""


class GraphNotFound(GraphRefused):
    """The requested object does not exist, or is in the recycle bin."""


class LinkExpired(GraphError):
    """A link to the next page, or to the next changes, has expired: read again from the beginning."""
