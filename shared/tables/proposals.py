"""The proposals of a store's last plan: rows ``proposal:<person>`` of the table ``accounts``.

A plan's maker writes them: the next plan makes them again, so they are not backed up.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import islice

from shared.rules.plan import PlannedChange, essence
from shared.rules.proposal import Proposal
from shared.tables.entity_text import gather, spread
from shared.tables.portions import portions
from shared.tables.record_table import AFTER_ALL, RecordTable, Row, keyed, remove_rows, upsert


class Proposals(RecordTable):
    """Reads and writes proposals. Every method raises TablesBusy."""

    def get(self, store: str, person: str) -> Proposal | None:
        """Return what is proposed for a person, or None. One round trip."""
        found = self._get(store, f"proposal:{person}")
        return _proposal(found[0]) if found else None

    def page(self, store: str, count: int, *, after: str = "") -> list[Proposal]:
        """Return proposals in the order of the people's ids, after this person. One round trip for a thousand."""
        start = f"proposal:{after}~" if after else "proposal:"
        return [
            _proposal(row) for row, _ in islice(self._range(store, start, "proposal" + AFTER_ALL, page=count), count)
        ]

    def all(self, store: str) -> Iterator[Proposal]:
        """Return every proposal; a page at a time in memory. One round trip for a thousand."""
        return (_proposal(row) for row, _ in self._range(store, "proposal:", "proposal" + AFTER_ALL))

    def counts(self, store: str, most: int) -> tuple[int, Counter[str]]:
        """Return the number of proposals, ``most`` at the most, and by rule of those that name one account.

        One round trip for a thousand.
        """
        rows = [row for row, _ in islice(self._range(store, "proposal:", "proposal" + AFTER_ALL, _COUNTED), most)]
        return len(rows), Counter(row["rule"] for row in rows if "\n" not in row["accounts"])

    def accounts(self, store: str) -> set[str]:
        """Return the ids of all accounts that are proposed to anybody. One round trip for a thousand proposals."""
        rows = self._range(store, "proposal:", "proposal" + AFTER_ALL, _COUNTED)
        return {account for row, _ in rows for account in row["accounts"].split("\n")}

    def replace(self, store: str, changes: Iterable[PlannedChange], at: datetime) -> None:
        """Let the rows be what a plan proposes. Reads them all, and writes only what differs."""
        wanted, gone = {change.identity: change for change in changes}, list[str]()
        for there in self.all(store):
            person = there.change.identity
            if person not in wanted:
                gone.append(f"proposal:{person}")
            elif essence(there.change) == essence(wanted[person]) and there.change.reason == wanted[person].reason:
                del wanted[person]
        rows: Iterator[Row] = (_row(store, Proposal(change=change, since=at)) for change in wanted.values())
        for portion in portions(rows):
            self._transact([upsert(row) for row in portion])
        remove_rows(self._table, store, gone)


_COUNTED = ("RowKey", "rule", "accounts")
"""The columns that tell of a proposal without all that it says."""


def _row(store: str, proposal: Proposal) -> Row:
    accounts = "\n".join(each.account for each in proposal.accounts)
    told = {"rule": proposal.accounts[0].rule, "accounts": accounts} | spread("proposal", proposal.model_dump_json())
    return keyed(store, f"proposal:{proposal.change.identity}", told)


def _proposal(row: Row) -> Proposal:
    return Proposal.model_validate_json(gather(row, "proposal"))
