"""What Zoho One calls the members of a group: the ids of their accounts."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from threading import Lock

from shared.rules.identity import Account
from shared.tables.identities import Identities
from shared.threads import in_parallel

REMEMBERED = 30.0
"""Seconds for which a worker may remember an account that another has deactivated since.

It would be put into a group, and nothing would come of that but a name in a list: its person cannot sign in.
"""
MOST_REMEMBERED = 50_000
"""About 15 MiB."""
READERS = 8
"""Identities read at once."""


@dataclass(frozen=True)
class MemberAccount:
    """What decides whether a person can be a member in Zoho One."""

    account: str | None = None
    """The account there; None: there is none."""
    active: bool = False
    unsettled: bool = False
    """The person is being written, so that nothing can be said of the account now."""

    @property
    def joins(self) -> str | None:
        """The account that becomes a member, if it may."""
        return self.account if self.active and not self.unsettled else None


class MemberAccounts:
    """Looks accounts up: a point read for each that was not seen within half a minute, some at once."""

    def __init__(self, identities: Identities, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._identities = identities
        self._monotonic = monotonic
        self._seen: dict[tuple[str, str], tuple[float, str]] = {}
        self._lock = Lock()

    def of(self, store: str, people: Iterable[str]) -> dict[str, MemberAccount]:
        """What is known of each of these people. Raises TablesBusy."""
        now, known = self._monotonic(), dict[str, MemberAccount]()
        people = list(people)
        with self._lock:
            for person in people:
                seen = self._seen.get((store, person))
                if seen is not None and now - seen[0] < REMEMBERED:
                    known[person] = MemberAccount(seen[1], active=True)
        unknown = [person for person in people if person not in known]
        if unknown:
            known |= zip(unknown, in_parallel(partial(self._read, store), unknown, READERS), strict=True)
        return known

    def learned(self, store: str, person: str, account: Account | None) -> None:
        """Remember what has just been confirmed of a person."""
        with self._lock:
            if account is None or not account.holds.active:
                self._seen.pop((store, person), None)
                return
            if len(self._seen) >= MOST_REMEMBERED:
                self._seen.clear()
            self._seen[store, person] = (self._monotonic(), account.id)

    def forget(self, store: str, people: Iterable[str]) -> None:
        """Look these up again when they are asked for next: Zoho One did not know what was remembered of them."""
        with self._lock:
            for person in people:
                self._seen.pop((store, person), None)

    def _read(self, store: str, person: str) -> MemberAccount:
        stored = self._identities.read(store, person)
        if stored is None:
            return MemberAccount()
        account, unsettled = stored.identity.account, stored.identity.pending is not None
        if not unsettled:
            self.learned(store, person, account)
        return MemberAccount(account.id if account else None, account is not None and account.holds.active, unsettled)
