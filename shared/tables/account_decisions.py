"""What administrators decided on accounts that Zoho One already has: rows of the table of identities.

==============================  =====================================================
``pair:<person>:<hash>``        a person and an account, by the hash of its id
``paired:<hash>:<person>``      the same, found by the account
``aside:<hash>``                an account that is nobody's, and why
==============================  =====================================================

They are words of people, so they are backed up with the store. A pair that was accepted or linked goes when it is
applied; one that was rejected stays until somebody undoes it.
"""

from collections.abc import Iterator

from shared.rules.matching import Decided, PairDecision, SetAside
from shared.tables.claims import claim
from shared.tables.entity_text import gather, spread
from shared.tables.errors import Conflict
from shared.tables.record_table import AFTER_ALL, RecordTable, keyed, remove_rows, upsert


class AccountDecisions(RecordTable):
    """Reads and writes decisions; accounts are ids in Zoho One. Every method raises TablesBusy."""

    def all(self, store: str) -> Decided:
        """Return everything that was decided. Two round trips for up to a thousand of each."""
        return Decided(tuple(self.pairs(store)), {each.account: each for each in self.set_aside(store)})

    def pairs(self, store: str) -> Iterator[PairDecision]:
        """Return every decided pair, in the order of the people; a page at a time in memory."""
        rows = self._range(store, "pair:", "pair" + AFTER_ALL)
        return (PairDecision.model_validate_json(gather(row, "pair")) for row, _ in rows)

    def set_aside(self, store: str) -> Iterator[SetAside]:
        """Return every account that was set aside; a page at a time in memory."""
        rows = self._range(store, "aside:", "aside" + AFTER_ALL)
        return (SetAside.model_validate_json(gather(row, "aside")) for row, _ in rows)

    def of_account(self, store: str, account: str) -> Decided:
        """Return what was decided on one account. Two round trips."""
        start = f"paired:{_hash(account)}"
        pairs = [row for row, _ in self._range(store, start + ":", start + AFTER_ALL)]
        aside = self._get(store, f"aside:{_hash(account)}")
        return Decided(
            tuple(PairDecision.model_validate_json(gather(row, "pair")) for row in pairs),
            {account: SetAside.model_validate_json(gather(aside[0], "aside"))} if aside else {},
        )

    def of_person(self, store: str, person: str) -> list[PairDecision]:
        """Return what was decided on one person. One round trip."""
        rows = self._range(store, f"pair:{person}:", f"pair:{person}" + AFTER_ALL)
        return [PairDecision.model_validate_json(gather(row, "pair")) for row, _ in rows]

    def get(self, store: str, person: str, account: str) -> PairDecision | None:
        """Return what was decided on a pair, or None. One round trip."""
        found = self._get(store, _pair(person, account))
        return PairDecision.model_validate_json(gather(found[0], "pair")) if found else None

    def decide(self, store: str, decision: PairDecision) -> None:
        """Store what was decided on a pair, in place of an earlier word. Three round trips.

        Raises Conflict where the account or the person is chosen for another already: undo that first.
        """
        person, account = decision.person, decision.account
        if decision.adopts:
            others = (*self.of_account(store, account).pairs, *self.of_person(store, person))
            if any(each.adopts and (each.person, each.account) != (person, account) for each in others):
                raise Conflict
        text = spread("pair", decision.model_dump_json())
        self._transact([upsert(keyed(store, key, text)) for key in (_pair(person, account), _paired(person, account))])

    def undo(self, store: str, person: str, account: str) -> None:
        """Take back what was decided on a pair; one that was not decided is no error. One round trip.

        Whether it was applied meanwhile, the person's account and pending change say: read them after this.
        """
        remove_rows(self._table, store, [_pair(person, account), _paired(person, account)])

    def put_aside(self, store: str, aside: SetAside) -> None:
        """Set an account aside. One round trip."""
        self._put(keyed(store, f"aside:{_hash(aside.account)}", spread("aside", aside.model_dump_json())))

    def take_back(self, store: str, account: str) -> None:
        """Let an account be a candidate again. One round trip."""
        self._delete(store, f"aside:{_hash(account)}")


def _hash(account: str) -> str:
    return claim("account", account).removeprefix("account:")


def _pair(person: str, account: str) -> str:
    return f"pair:{person}:{_hash(account)}"


def _paired(person: str, account: str) -> str:
    return f"paired:{_hash(account)}:{person}"
