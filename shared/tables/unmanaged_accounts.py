"""The accounts in Zoho One that nobody manages: rows of the table ``accounts``, a partition for each store.

==============================  =======================================================
``account:<hash>``              an account, by the hash of its id in Zoho One
``by:<field>:<hash>:<hash>``    an account whose field has this value: matching rules
``name:<text>:<hash>``          an account that a search finds by this text
``proposal:<person>``           a person who waits for an administrator: proposals.py
``reading``                     when all accounts were last read, and how many they were
==============================  =======================================================

Managed accounts are in the rows of their people (identity_rows.py) and nowhere else. What is here can be read again at
any time, so it is not backed up, and a reading writes only what differs from the one before. An account's row changes
after the rows that find it were deleted and written, so that what an interrupted reading left is made good by the next.
Two readings at the same time may leave a row that finds an account which has changed: a plan looks before it says so.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import batched, islice

from azure.data.tables import TableClient

from shared.rules.matching import compared
from shared.rules.search_terms import search_prefix, search_terms
from shared.rules.store import Store
from shared.rules.unmanaged import AccountsReading, UnmanagedAccount, digest_of
from shared.rules.zoho_user import ZohoField, ZohoUser
from shared.tables.claims import claim
from shared.tables.entity_text import gather, spread
from shared.tables.portions import MOST_ROWS, portions
from shared.tables.record_table import AFTER_ALL, RecordTable, Row, keyed, remove_rows, upsert
from shared.threads import in_parallel

REMEMBERED = 60.0
"""Seconds for which a worker remembers whether a store has unmanaged accounts at all."""
READERS = 8
"""Rows read at the same time."""
WRITERS = 4
"""Transactions written at the same time."""
WRITTEN = 400
"""Accounts written between two heartbeats: some 24 transactions."""
MOST_FOUND = 50
"""Accounts that one value finds at the most: more prove nothing."""
_MOST_TEXTS = 5
"""Rows that find one account by a text."""
_LAST = "~"
_ACTIVE = ZohoUser(active=True, fields={}).model_dump_json().partition(",")[0]
"""How the JSON of an active account begins."""


class UnmanagedAccounts(RecordTable):
    """Reads and writes these accounts. Every method raises TablesBusy."""

    def __init__(self, table: TableClient, monotonic: Callable[[], float] = time.monotonic) -> None:
        super().__init__(table)
        self._monotonic = monotonic
        self._read: set[tuple[str, str]] = set()
        self._known: dict[str, tuple[float, AccountsReading | None]] = {}

    # --- What pages show

    def reading(self, store: Store) -> AccountsReading | None:
        """Return the last reading of all accounts, or None if this store never made one. One round trip."""
        found = self._get(store.id, "reading")
        reading = AccountsReading.model_validate_json(found[0]["reading"]).is_of(store.incarnation) if found else None
        self._known[store.id] = self._monotonic(), reading
        if reading is not None:
            self._read.add((store.id, store.incarnation))
        return reading

    def get(self, store: str, account: str) -> UnmanagedAccount | None:
        """Return an account by its id in Zoho One, or None. One round trip."""
        found = self._get(store, account_key(account))
        return _account(found[0]) if found else None

    def several(self, store: str, accounts: Sequence[str]) -> dict[str, UnmanagedAccount]:
        """Return those of these accounts that are there, by their ids. One round trip each, some at the same time."""
        found = in_parallel(lambda each: self.get(store, each), list(dict.fromkeys(accounts)), READERS)
        return {each.id: each for each in found if each is not None}

    def page(self, store: str, count: int, *, after: str = "") -> list[UnmanagedAccount]:
        """Return accounts in the order of their rows, after the one with this id. One round trip for a thousand."""
        start = f"{account_key(after)}~" if after else "account:"
        return [_account(row) for row, _ in islice(self._range(store, start, "account" + AFTER_ALL, page=count), count)]

    def all(self, store: str) -> Iterator[UnmanagedAccount]:
        """Return every account; a page at a time in memory. One round trip for a thousand."""
        return (_account(row) for row, _ in self._range(store, "account:", "account" + AFTER_ALL))

    def ids(self, store: str) -> Iterator[str]:
        """Return the ids of all accounts, in the order of their rows. One round trip for a thousand."""
        return (row["id"] for row, _ in self._range(store, "account:", "account" + AFTER_ALL, ("RowKey", "id")))

    def search(self, store: str, typed: str, count: int) -> list[UnmanagedAccount]:
        """Return the first accounts where a word of the name or the userName begins with the text.

        One round trip, and one for each account that is found.
        """
        prefix, most = f"name:{search_prefix(typed)}", _MOST_TEXTS * count
        rows = islice(self._range(store, prefix, prefix + _LAST, page=most), most)
        ids = list(dict.fromkeys(row["id"] for row, _ in rows))[:count]
        found = self.several(store, ids).values()
        return sorted(found, key=lambda each: (each.name.casefold(), each.user_name))

    # --- What matching asks

    def was_read(self, store: Store) -> bool:
        """Whether all accounts were ever read to the end. One round trip until they were, then none."""
        return (store.id, store.incarnation) in self._read or self.reading(store) is not None

    def are_any(self, store: Store) -> bool:
        """Whether there are accounts that nobody manages, as of the last minute. No round trip while that is known."""
        at, reading = self._known.get(store.id, (None, None))
        if at is None or self._monotonic() - at >= REMEMBERED:
            reading = self.reading(store)
        return reading is not None and reading.is_of(store.incarnation) is not None and reading.unmanaged > 0

    def having(self, store: str, field: ZohoField, value: str) -> list[str]:
        """Return ids of accounts whose field has a value, as the last reading found them. One round trip.

        ``value``: as ``matching.compared`` gives it.
        """
        start = _by(field, value)
        found = self._range(store, start + ":", start + AFTER_ALL, page=MOST_FOUND)
        return [row["id"] for row, _ in islice(found, MOST_FOUND)]

    # --- What readings write

    def replace(
        self,
        store: Store,
        unmanaged: Mapping[str, str],
        accounts: int,
        at: datetime,
        heartbeat: Callable[[], None] = lambda: None,
    ) -> AccountsReading:
        """Let the rows be what a reading of all accounts found. Writes only what differs.

        ``unmanaged``: what each of these accounts holds, as JSON, by its id. ``accounts``: number of all accounts.
        One round trip to read a thousand rows, and one to write a hundred, of which an account has six or so.
        """
        fields, left = store.matching.fields, {account_key(account): account for account in unmanaged}
        first_seen, gone = dict[str, str](), list[str]()
        columns = ("RowKey", "digest", "first", "keys", "keys_1", "keys_2")
        for number, (row, _) in enumerate(self._range(store.id, "account:", "account" + AFTER_ALL, columns)):
            if number % 1000 == 0:
                heartbeat()
            account = left.get(row["RowKey"])
            if account is None:
                gone += [*_finding(row), row["RowKey"]]
            elif row["digest"] == digest_of(unmanaged[account], fields):
                del left[row["RowKey"]]
            else:
                first_seen[account] = row["first"]
                _, finding = self._rows(store, account, unmanaged[account], row["first"])
                kept = {each["RowKey"] for each in finding}
                gone += [key for key in _finding(row) if key not in kept]
        first = at.isoformat()
        for keys in batched(gone, MOST_ROWS, strict=False):
            remove_rows(self._table, store.id, keys)
            heartbeat()
        for some in batched(left.values(), WRITTEN, strict=False):
            rows = [self._rows(store, account, unmanaged[account], first_seen.get(account, first)) for account in some]
            self._write([row for _, finding in rows for row in finding])
            self._write([own for own, _ in rows])
            heartbeat()
        active = sum(text.startswith(_ACTIVE) for text in unmanaged.values())
        reading = AccountsReading(
            at=at,
            incarnation=store.incarnation,
            accounts=accounts,
            unmanaged=len(unmanaged),
            active=active,
            fields=fields,
        )
        self._put(keyed(store.id, "reading", {"reading": reading.model_dump_json()}))
        self._known[store.id] = self._monotonic(), reading
        self._read.add((store.id, store.incarnation))
        return reading

    def forget(self, store: str, account: str) -> None:
        """Delete an account that somebody manages from now on. Two round trips, one where it is not there."""
        found = self._get(store, account_key(account))
        if found is not None:
            remove_rows(self._table, store, [*_finding(found[0]), account_key(account)])

    def _write(self, rows: Sequence[Row]) -> None:
        """Write rows, several transactions at the same time."""
        in_parallel(lambda portion: self._transact([upsert(row) for row in portion]), portions(rows), WRITERS)

    def _rows(self, store: Store, account: str, text: str, first: str) -> tuple[Row, list[Row]]:
        """Return an account's own row, and those that find it."""
        holds, key, fields = ZohoUser.model_validate_json(text), account_key(account), store.matching.fields
        own = key.removeprefix("account:")
        values = ((field, compared(holds.fields.get(field))) for field in fields)
        finding = [f"{_by(field, value)}:{own}" for field, value in values if value is not None]
        name, user_name = (holds.fields.get(field) for field in (ZohoField.DISPLAY_NAME, ZohoField.USER_NAME))
        finding += [f"name:{term}:{own}" for term in search_terms(name, user_name or account)]
        told = {"id": account, "first": first, "digest": digest_of(text, fields)}
        row = told | spread("holds", text) | spread("keys", "\n".join(finding))
        return keyed(store.id, key, row), [keyed(store.id, each, {"id": account}) for each in finding]


def account_key(account: str) -> str:
    """Return the row key of an account, by its id in Zoho One."""
    return claim("account", account)


def _by(field: ZohoField, value: str) -> str:
    return f"by:{claim(field, value)}"


def _account(row: Row) -> UnmanagedAccount:
    return UnmanagedAccount(
        id=row["id"],
        holds=ZohoUser.model_validate_json(gather(row, "holds")),
        first_seen=datetime.fromisoformat(row["first"]),
    )


def _finding(row: Row) -> list[str]:
    """Return the keys of the rows that find an account."""
    return gather(row, "keys").split("\n")
