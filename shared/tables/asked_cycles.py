"""The cycles that people asked for, until each has begun: a message may be lost, or find another cycle running.

They are rows ``<store>:<run id>`` of the partition ``asked`` in the table ``leases``.
"""

from shared.tables.record_table import AFTER_ALL, RecordTable, keyed

_PARTITION = "asked"


class AskedCycles(RecordTable):
    """Reads and writes requests, which are texts to it. Every method raises TablesBusy."""

    def put(self, store: str, run_id: str, request: str) -> None:
        """Keep a request. One round trip."""
        self._put(keyed(_PARTITION, f"{store}:{run_id}", {"request": request}))

    def all(self) -> dict[str, list[str]]:
        """The requests of each store, the newest first. One round trip for a thousand."""
        found: dict[str, list[str]] = {}
        for row, _ in self._range(_PARTITION, "", "~"):
            found.setdefault(row["RowKey"].partition(":")[0], []).append(row["request"])
        return found

    def drop(self, store: str, run_id: str) -> None:
        """Forget a request. One round trip."""
        self._delete(_PARTITION, f"{store}:{run_id}")  # another worker may have been first: that is no error

    def drop_all(self, store: str) -> None:
        """Forget every request of a store that is taken away."""
        keys = [row["RowKey"] for row, _ in self._range(_PARTITION, f"{store}:", store + AFTER_ALL, ("RowKey",))]
        for key in keys:
            self._delete(_PARTITION, key)
