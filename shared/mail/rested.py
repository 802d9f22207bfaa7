"""A way of sending mail that is left alone for a while when it fails again and again."""

from collections.abc import Callable
from datetime import datetime, timedelta
from email.message import EmailMessage

from shared.mail.transport import MailBusy, MailCredentials, Transport

FAILURES = 3
"""In a row: one alone may be the recipient's doing, as greylisting is."""
REST = timedelta(minutes=1)


class Rested:
    """Sends through another transport. While that one is at rest, nobody waits for its timeouts.

    Threads share it; what they may do to each other is one failure more or less.
    """

    def __init__(self, transport: Transport, now: Callable[[], datetime]) -> None:
        self._transport = transport
        self._now = now
        self._failures = 0
        self._rests_until: datetime | None = None

    @property
    def is_resting(self) -> bool:
        """Whether ``send`` would fail without trying."""
        return self._rests_until is not None and self._now() < self._rests_until

    def wake(self) -> None:
        """Forget the failures: somebody knows better."""
        self._failures, self._rests_until = 0, None

    def send(self, message: EmailMessage) -> None:
        """See Transport."""
        if self.is_resting:
            raise MailBusy(f"The mail server failed {FAILURES} times in a row and is left alone for a minute")
        try:
            self._transport.send(message)
        except (MailBusy, MailCredentials):
            self._failures += 1
            if self._failures >= FAILURES:
                self._rests_until = self._now() + REST
                self._failures = FAILURES - 1  # after the rest, one more is enough
            raise
        self._failures = 0
