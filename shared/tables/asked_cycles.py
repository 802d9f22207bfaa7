"""Requested cycles, kept until each has begun: a message may get lost, or find another cycle running.

They are rows ``<store>:<run id>`` of the partition ``asked`` in the table ``leases``.
"""

from shared.tables.record_table import AFTER_ALL, RecordTable, keyed

_PARTITION = "asked"


class AskedCycles(RecordTable):
    """Reads and writes requests as text. Every method raises TablesBusy."""

    def put(self, store: str, run_id: str, request: str) -> None:
        """Store a request. One round trip."""
        self._put(keyed(_PARTITION, f"{store}:{run_id}", {"request": request}))

    def all(self) -> dict[str, list[str]]:
        """Return the requests of each store, newest first. One round trip for a thousand."""
        found: dict[str, list[str]] = {}
        for row, _ in self._range(_PARTITION, "", "~"):
            found.setdefault(row["RowKey"].partition(":")[0], []).append(row["request"])
        return found

    def drop(self, store: str, run_id: str) -> None:
        """Delete a request. One round trip."""
        self._delete(_PARTITION, f"{store}:{run_id}")  # no error if another worker was first

    def drop_all(self, store: str) -> None:
        """Delete every request of a store that is removed."""
        keys = [row["RowKey"] for row, _ in self._range(_PARTITION, f"{store}:", store + AFTER_ALL, ("RowKey",))]
        for key in keys:
            self._delete(_PARTITION, key)
