"""When to stop applying: Zoho One, or the tables, have no answer again and again."""

from dataclasses import dataclass, field
from threading import Event as Signal

from shared.zoho.errors import ZohoCredentials


class Stopped(Exception):
    """Nothing can be taken to Zoho One now; what was not tried stays pending. The message says why."""


@dataclass
class Silence:
    """Counts the changes in a row that had no answer. A refusal is an answer. Threads may share it."""

    most: int
    """Changes without an answer: by then no other needs to be tried."""
    in_a_row: int = 0
    ended: Signal = field(default_factory=Signal)
    why: str = ""

    def answered(self) -> None:
        """A change had its answer."""
        self.in_a_row = 0

    def unanswered(self, failure: Exception) -> None:
        """A change had none. Where the connection does not work, one is enough."""
        self.in_a_row += 1
        if isinstance(failure, ZohoCredentials) or self.in_a_row >= self.most:
            self.why = str(failure)
            self.ended.set()

    def ensure_not_ended(self) -> None:
        """Raise Stopped where nothing more needs to be tried."""
        if self.ended.is_set():
            raise Stopped(self.why)
