"""The one-time password mails that have not gone yet, as rows ``mail:<id>`` in the partition of their store."""

from collections.abc import Iterator

from azure.core import MatchConditions
from azure.core.exceptions import ResourceNotFoundError
from azure.data.tables import TableClient, UpdateMode

from shared.rules.history import Event
from shared.rules.mail.due import MailDue
from shared.tables.entity_text import gather
from shared.tables.identity_rows import StoredMail, event_row, mail_row
from shared.tables.service import our_errors


class Mails:
    """Reads and writes mails that are due. Every method raises TablesBusy."""

    def __init__(self, table: TableClient) -> None:
        self._table = table

    def read(self, store: str, identity_id: str) -> StoredMail | None:
        """What a person is due, or None."""
        with our_errors():
            try:
                entity = self._table.get_entity(store, f"mail:{identity_id}")
            except ResourceNotFoundError:
                return None
        return _stored(entity)

    def waiting(self, store: str) -> Iterator[StoredMail]:
        """All mails of a store that have not gone yet; a page at a time in memory."""
        with our_errors():
            for entity in self._table.query_entities(
                "PartitionKey eq @store and RowKey ge 'mail:' and RowKey lt 'mail;'", parameters={"store": store}
            ):
                yield _stored(entity)

    def create(self, store: str, identity_id: str, mail: MailDue) -> StoredMail:
        """A mail that is due from now on. Raises Conflict where one is due already."""
        with our_errors():
            written = self._table.create_entity(mail_row(store, identity_id, mail))
        return StoredMail(identity_id, mail, str(written["etag"]))

    def update(self, store: str, before: StoredMail, mail: MailDue) -> StoredMail:
        """A mail in the place of what was read. Raises Stale."""
        with our_errors():
            written = self._table.update_entity(
                mail_row(store, before.identity_id, mail),
                UpdateMode.REPLACE,
                etag=before.etag,
                match_condition=MatchConditions.IfNotModified,
            )
        return StoredMail(before.identity_id, mail, str(written["etag"]))

    def close(self, store: str, before: StoredMail, event: Event) -> None:
        """Take a mail away that is due no longer, and write into the person's history why. Raises Stale."""
        keys = {"PartitionKey": store, "RowKey": f"mail:{before.identity_id}"}
        guard = {"etag": before.etag, "match_condition": MatchConditions.IfNotModified}
        with our_errors():
            self._table.submit_transaction(
                [("delete", keys, guard), ("create", event_row(store, before.identity_id, event))]
            )


def _stored(entity: dict[str, object]) -> StoredMail:
    identity_id = str(entity["RowKey"]).removeprefix("mail:")
    etag = str(getattr(entity, "metadata", {})["etag"])
    return StoredMail(identity_id, MailDue.model_validate_json(gather(entity, "mail")), etag)
