"""People who are in the store and in Zoho One already, as the app leaves them, at half the work of a request each."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from azure.data.tables import TableClient

from local.entra.mapping import mapped_values
from local.entra.person import Person
from local.entra.requests import Dialect, create_body
from shared.rules.history import Event
from shared.rules.identity import Identity
from shared.rules.mail.due import MailDue
from shared.rules.store import Store
from shared.sync.push.people import Push
from shared.tables.identities import Identities
from shared.tables.identity_rows import AccountRecord, MembershipUpdate, Stored

THREADS = 6


@dataclass(frozen=True)
class Seeded:
    """A person, and his id in the store."""

    person: Person
    id: str


class SettledIdentities(Identities):
    """Writes an identity once, when Zoho One has confirmed it. Nobody kills the process that seeds."""

    def write(
        self,
        store: str,
        before: Stored | None,
        after: Identity,
        event: Event | None = None,
        over: AccountRecord | None = None,
        mail: MailDue | None = None,
        *,
        arrived: bool = False,
        membership_update: MembershipUpdate | None = None,
    ) -> Stored:
        """Put an identity where there is none; one that is pending is only handed back."""
        if after.pending:
            return Stored(after, etag=before.etag if before else "")
        return super().write(
            store, None, after, event, over, mail, arrived=arrived, membership_update=membership_update
        )


def seeding(push: Push, identities: Identities) -> Push:
    """The same push over other identities."""
    return replace(push, identities=identities, settlement=replace(push.settlement, identities=identities))


class Seeder:
    """Puts people into one store and its Zoho One: by the app's own push, without what stands around it."""

    def __init__(self, store: Store, push: Push, table: TableClient) -> None:
        self._store = store
        self._push = seeding(push, SettledIdentities(table))

    def seed(self, people: Sequence[Person]) -> list[Seeded]:
        """Put people where nobody of them is yet."""
        with ThreadPoolExecutor(THREADS) as pool:
            return list(pool.map(self._seed_one, people))

    def _seed_one(self, person: Person) -> Seeded:
        resource = create_body(mapped_values(person), Dialect.WITH_FLAG)
        del resource["meta"], resource["roles"]  # as the sync endpoint keeps a person: without what says nothing of him
        return Seeded(person, self._push.create(self._store, resource).id)
