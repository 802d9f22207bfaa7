"""The groups of a store in Table Storage, as Entra wrote them."""

from collections.abc import Iterator
from datetime import UTC, datetime

from azure.core import MatchConditions
from azure.core.exceptions import ResourceNotFoundError
from azure.data.tables import TableClient, UpdateMode

from shared.tables.entity_text import gather, spread
from shared.tables.identity_rows import Person
from shared.tables.service import our_errors


class Groups:
    """Reads and writes groups, in the partition of their store. Every method raises TablesBusy."""

    def __init__(self, table: TableClient) -> None:
        self._table = table

    def read(self, store: str, group_id: str) -> tuple[Person, str] | None:
        """A group and the ETag that guards its next write, or None."""
        if not group_id.isalnum():
            return None
        with our_errors():
            try:
                entity = self._table.get_entity(store, f"group:{group_id}")
            except ResourceNotFoundError:
                return None
        return _group(entity), str(entity.metadata["etag"])

    def scan(self, store: str, after: str = "") -> Iterator[Person]:
        """Every group of a store in the order of ids, from behind one of them."""
        with our_errors():
            for entity in self._table.query_entities(
                "PartitionKey eq @store and RowKey gt @start and RowKey lt 'group;'",
                parameters={"store": store, "start": f"group:{after}"},
            ):
                yield _group(entity)

    def create(self, store: str, group: Person) -> None:
        """A new group."""
        with our_errors():
            self._table.create_entity(_row(store, group))

    def update(self, store: str, group: Person, etag: str) -> None:
        """A group in the place of what was read. Raises Changed."""
        with our_errors():
            self._table.update_entity(
                _row(store, group), UpdateMode.REPLACE, etag=etag, match_condition=MatchConditions.IfNotModified
            )

    def delete(self, store: str, group_id: str, etag: str) -> None:
        """Take a group away. Raises Changed."""
        keys = {"PartitionKey": store, "RowKey": f"group:{group_id}"}
        with our_errors():
            self._table.delete_entity(keys, etag=etag, match_condition=MatchConditions.IfNotModified)


def _row(store: str, group: Person) -> dict[str, str]:
    return {
        "PartitionKey": store,
        "RowKey": f"group:{group.id}",
        "created": group.created.isoformat(),
        "modified": group.modified.isoformat(),
        **spread("resource", group.resource),
    }


def _group(entity: dict[str, object]) -> Person:
    return Person(
        id=str(entity["RowKey"]).removeprefix("group:"),
        resource=gather(entity, "resource"),
        created=datetime.fromisoformat(str(entity["created"])).astimezone(UTC),
        modified=datetime.fromisoformat(str(entity["modified"])).astimezone(UTC),
    )
