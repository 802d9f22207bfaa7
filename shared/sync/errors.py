"""Why a push did not go through, named by what Entra is told."""

from datetime import datetime


class PushError(Exception):
    """Any of the below; the message is fit for Entra's provisioning log."""


class UserNameTaken(PushError):
    """Another person of this store has the userName."""


class GroupNameTaken(PushError):
    """Another group of this store has the displayName."""


class Doubtful(PushError):
    """Whether a push made this person, or somebody else of the name, is known once Graph has listed everybody."""


class BeingWritten(PushError):
    """Another request is writing this person or group just now."""

    def __init__(self, until: datetime) -> None:
        super().__init__("Another request is writing the same; send the request again")
        self.until = until


class Refused(PushError):
    """Zoho One will not do it; the message is its reason. Nothing was changed."""


class HeldBack(PushError):
    """The guard holds this back; the message says why. A person's leaving stands in the plan that is shown."""

    retry_after = 2400
    """Seconds: an administrator has to decide, and Entra comes back every 40 minutes."""
