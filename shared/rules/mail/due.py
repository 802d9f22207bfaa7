"""A one-time password mail that has not gone yet: what is kept of it. The password is not."""

from datetime import datetime, timedelta
from typing import Self

from pydantic import ConfigDict

from shared.model import Model

LONGEST_PAUSE = timedelta(hours=4)
"""Between two tries: a mail server that is back after a night is noticed before noon."""


class MailDue(Model):
    """Somebody is due a one-time password. Each try but the first sets a new one, since none is kept."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    reason: str
    asked_by: str | None = None
    """The administrator who asked for it; None where the creation of the account did."""
    since: datetime
    tries: int = 0
    failure: str | None = None
    """Why the last try did not go through."""
    next_try: datetime
    """Not before; while it is being sent, the time after which whoever began is taken for dead."""
    sending: bool = False

    def begun(self, now: datetime, lease: timedelta) -> Self:
        """The mail while it is being sent, which takes no longer than the lease."""
        return self.model_copy(update={"tries": self.tries + 1, "sending": True, "next_try": now + lease})

    def failed(self, failure: str, now: datetime, pause: timedelta, at_least: timedelta = timedelta()) -> Self:
        """The mail after a try that did not go through: the pause doubles with each, and is as long as was asked."""
        grown = min(pause * 2 ** min(self.tries - 1, 20), LONGEST_PAUSE)
        next_try = now + max(grown, at_least)
        return self.model_copy(update={"failure": failure, "sending": False, "next_try": next_try})
