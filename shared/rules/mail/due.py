"""A one-time password mail that is not sent yet: what is stored of it. The password is not."""

from datetime import datetime, timedelta
from typing import Self

from pydantic import ConfigDict

from shared.model import Model

LONGEST_PAUSE = timedelta(hours=4)
"""Longest pause between two attempts: a mail server that recovers after a night is noticed before noon."""


class MailDue(Model):
    """A one-time password to be mailed. Each attempt but the first sets a new password, since none is stored."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    reason: str
    asked_by: str | None = None
    """The administrator who asked for it; None if the creation of the account did."""
    since: datetime
    tries: int = 0
    failure: str | None = None
    """Why the last attempt failed."""
    next_try: datetime
    """Earliest time of the next attempt; during an attempt, the time after which its sender counts as dead."""
    sending: bool = False

    def begun(self, now: datetime, lease: timedelta) -> Self:
        """Return the mail while it is being sent, which takes no longer than the lease."""
        return self.model_copy(update={"tries": self.tries + 1, "sending": True, "next_try": now + lease})

    def failed(self, failure: str, now: datetime, pause: timedelta, at_least: timedelta = timedelta()) -> Self:
        """Return the mail after a failed attempt: the pause doubles each time, and is at least ``at_least``."""
        grown = min(pause * 2 ** min(self.tries - 1, 20), LONGEST_PAUSE)
        next_try = now + max(grown, at_least)
        return self.model_copy(update={"failure": failure, "sending": False, "next_try": next_try})
