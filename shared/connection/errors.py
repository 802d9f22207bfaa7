"""Why a store is not connected, beyond Zoho's own errors."""

from enum import StrEnum

from shared.zoho.errors import ZohoCredentials


class NotConnected(ZohoCredentials):
    """Nobody has given consent for the store yet, or it was disconnected."""

    def __init__(self) -> None:
        super().__init__("The store is not connected to Zoho One: connect it")


class Refusal(StrEnum):
    """Why a consent failed; each reason has a page that says what to do."""

    STATE = "state"
    """The state is unknown: forged, already used, or older than ten minutes."""
    FOREIGN = "foreign"
    """Another browser or another administrator was asked."""
    DENIED = "denied"
    NO_STORE = "no-store"
    NO_CLIENT_SECRET = "no-client-secret"  # noqa: S105 - the name of a page
    UNKNOWN_SERVER = "unknown-server"
    THROTTLED = "throttled"
    BUSY = "busy"
    CODE = "code"
    """The code was already used, is older than a minute, or is of another data center."""
    CLIENT = "client"
    NOT_OFFLINE = "not-offline"
    SAME_ORGANISATION = "same-organisation"
    """Another store is connected to the same organisation."""


class ConsentRefused(Exception):
    """The store stays unchanged."""

    def __init__(self, refusal: Refusal, store: str | None = None) -> None:
        super().__init__(refusal.value)
        self.refusal = refusal
        self.store = store
        """If known; then consent can be asked for again."""
