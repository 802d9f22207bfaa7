"""Where the client for Zoho One gets its access token from."""

from typing import Protocol

from shared.rules.store import Store


class AccessTokens(Protocol):
    """Hands out access tokens of a store's connection to Zoho One."""

    def current(self, store: Store) -> str:
        """A token that should be valid. Raises ZohoBusy and ZohoCredentials."""
        ...

    def rejected(self, store: Store, token: str) -> None:
        """Zoho One answered 401 to this token: the next call of ``current`` gives another one."""
        ...
