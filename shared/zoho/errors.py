"""What Zoho One can answer, named by what a caller can do about it."""


class ZohoError(Exception):
    """Any of the below; the message is fit for an administrator and holds no secret."""


class ZohoBusy(ZohoError):
    """Zoho One is down, slow or asks to wait: the same call may succeed later. Whether it took effect is not known."""

    def __init__(self, message: str, retry_after: int = 30) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        """Seconds."""


class ZohoRefused(ZohoError):
    """Zoho One will not do this; the message is its reason. It changed nothing."""


class ZohoExists(ZohoRefused):
    """An account with this userName is already there."""


class ZohoNotFound(ZohoRefused):
    """There is no such account."""


class ZohoCredentials(ZohoError):
    """Zoho does not accept the connection's credentials: an administrator has to connect the store again."""
