"""What Microsoft Graph can answer, named by what a caller can do about it.

None of them ever means that people are gone: a reader that raises has said nothing about anybody.
"""


class GraphError(Exception):
    """Any of the below; the message is fit for an administrator and holds no secret and no personal data."""


class GraphBusy(GraphError):
    """Graph or Entra's sign-in is down, slow or asks to wait: the same call may succeed later."""

    def __init__(self, message: str, retry_after: int = 30) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        """Seconds."""


class GraphUnclear(GraphBusy):
    """The answer is not what Graph's documentation promises, so that nothing may be concluded from it."""


class GraphImplausible(GraphUnclear):
    """A whole answer that is empty where there were people before."""


class GraphCredentials(GraphError):
    """Entra does not accept the connection, or a permission is missing: an administrator has to act."""


class GraphRefused(GraphError):
    """Graph will not answer this request, now or later: a setting is wrong."""


class GraphNotFound(GraphRefused):
    """What was asked for does not exist, or lies in the recycle bin."""


class LinkExpired(GraphError):
    """A link to the next page, or to the next changes, is worth nothing any more: read again from the beginning."""
