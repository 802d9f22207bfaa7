"""Why a write did not go through, named by what Entra is told."""

from datetime import datetime


class PushError(Exception):
    """Any of the below; the message is fit for Entra's provisioning log."""


class UserNameTaken(PushError):
    """Another person of this store has the userName."""

    def __init__(self) -> None:
        super().__init__("Another person of this directory store has this userName")


class GroupNameTaken(PushError):
    """Another group of this store has the displayName."""

    def __init__(self) -> None:
        super().__init__("Another group of this directory store has this displayName")


class Doubtful(PushError):
    """Whether a push made this person, or somebody else of the name, is known once Graph has listed everybody."""


class Overtaken(PushError):
    """Another writer wrote this person after Graph was asked: Graph's answer may be the older one."""

    def __init__(self) -> None:
        super().__init__("Something newer was written for this person meanwhile; Microsoft Graph is asked again")


class BeingWritten(PushError):
    """Another request is writing this person or group just now."""

    def __init__(self, until: datetime) -> None:
        super().__init__("Another request is writing the same; send the request again")
        self.until = until


class Refused(PushError):
    """Zoho One will not do it; the message is its reason. Nothing was changed."""


class HeldBack(PushError):
    """The guard holds this back; the message says why. The change stands in the plan that is shown."""

    retry_after = 2400
    """Seconds: an administrator has to decide, and Entra comes back every 40 minutes."""
