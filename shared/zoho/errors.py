"""Zoho One's errors, named by what a caller can do about them."""


class ZohoError(Exception):
    """Base of the errors below; the message is fit for an administrator and holds no secret."""


class ZohoBusy(ZohoError):
    """Zoho One is down, slow or asks to wait: the same call may succeed later. Whether it took effect is not known."""

    def __init__(self, message: str, retry_after: int = 30) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        """Seconds."""


class ZohoNotWritten(ZohoBusy):
    """The store only observes, so that Zoho One was not called."""


class ZohoThrottled(ZohoBusy):
    """Zoho's accounts server was asked too often. Consent is still valid."""


class ZohoUnclear(ZohoBusy):
    """The answer is not what the documentation promises, so nothing may be concluded from it."""


class ZohoNowhere(ZohoUnclear):
    """A 404 from something in front of Zoho One's SCIM API, or from another server: it is about no account."""


class ZohoRefused(ZohoError):
    """Zoho One refuses this; the message is its reason. It changed nothing."""


class ZohoNotFound(ZohoRefused):
    """There is no such account."""


class ZohoCredentials(ZohoError):
    """Zoho does not accept the connection's credentials: an administrator has to connect the store again."""


class ZohoConsentLost(ZohoCredentials):
    """The code or refresh token is invalid: expired, used already, revoked, or another data centre's."""


class ZohoClientRefused(ZohoCredentials):
    """The accounts server does not accept the client that the organisation registered in Zoho's API console."""


class ZohoForbidden(ZohoCredentials):
    """The token is valid, but its scope or its owner's role does not suffice."""
