"""One-time password mails that are due, as rows ``mail:<id>`` in the partition of their store."""

from collections.abc import Iterator

from shared.rules.history import Event
from shared.rules.mail.due import MailDue
from shared.tables.entity_text import gather
from shared.tables.identity_rows import StoredMail, event_row, mail_row
from shared.tables.record_table import AFTER_ALL, RecordTable, Row, create, delete, keyed


class Mails(RecordTable):
    """Reads and writes mails that are due. Every method raises TablesBusy."""

    def read(self, store: str, identity_id: str) -> StoredMail | None:
        """Return the mail that is due for a person, or None."""
        found = self._get(store, f"mail:{identity_id}")
        return _stored(*found) if found else None

    def waiting(self, store: str) -> Iterator[StoredMail]:
        """Return all mails of a store that are due; a page at a time in memory."""
        return (_stored(row, etag) for row, etag in self._range(store, "mail:", "mail" + AFTER_ALL))

    def create(self, store: str, identity_id: str, mail: MailDue) -> StoredMail:
        """Store a mail that is due from now on. Raises Conflict where one is due already."""
        return StoredMail(identity_id, mail, self._create(mail_row(store, identity_id, mail)))

    def update(self, store: str, before: StoredMail, mail: MailDue) -> StoredMail:
        """Replace a mail as it was read. Raises Stale."""
        etag = self._update(mail_row(store, before.identity_id, mail), before.etag)
        return StoredMail(before.identity_id, mail, etag)

    def close(self, store: str, before: StoredMail, event: Event) -> None:
        """Delete a mail that is no longer due, and write the reason into the person's history. Raises Stale."""
        row = keyed(store, f"mail:{before.identity_id}")
        self._transact([delete(row, before.etag), create(event_row(store, before.identity_id, event))])


def _stored(row: Row, etag: str) -> StoredMail:
    identity_id = row["RowKey"].removeprefix("mail:")
    return StoredMail(identity_id, MailDue.model_validate_json(gather(row, "mail")), etag)
