"""Where the client for Zoho One gets its access token."""

from typing import Protocol

from shared.rules.store import Store


class AccessTokens(Protocol):
    """Supplies the access tokens, or the SCIM token, of a store's connection to Zoho One."""

    def current(self, store: Store) -> str:
        """Return a token that should be valid. Raises ZohoBusy and ZohoCredentials."""
        ...

    def rejected(self, store: Store, token: str) -> None:
        """Record that Zoho One answered 401 to this token: the next call of ``current`` returns another one."""
        ...
