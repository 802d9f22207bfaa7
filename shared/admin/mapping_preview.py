"""What a changed mapping would do to a store's people, before it is saved."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from shared.rules.azure_user import AzureUser
from shared.rules.identity import Identity
from shared.rules.mapping.compiled import CompiledMapping
from shared.rules.mapping.mapping import Mapping
from shared.rules.mapping.preview import ChangePreview, PreviewLine, preview_change, preview_person
from shared.rules.store import Store
from shared.rules.zoho_user import ZohoUser
from shared.sync.desired.evaluation import evaluation
from shared.tables.identities import Identities
from shared.tables.identity_rows import Stored


@dataclass(frozen=True)
class MappingPreview:
    """Computed from the bridge's tables: Zoho One is not asked, so every name counts as free. Raises TablesBusy."""

    identities: Identities
    mapping: Callable[[str], CompiledMapping]
    now: Callable[[], datetime]

    def person(self, store: Store, mapping: Mapping, identity_id: str) -> tuple[PreviewLine, ...]:
        """Return each field of one person with its rule. Raises KeyError if the person is not in the store."""
        stored = self.identities.read(store.id, identity_id)
        if stored is None:
            raise KeyError(identity_id)
        return self.of_identity(store, mapping, stored.identity)

    def of_identity(self, store: Store, mapping: Mapping, identity: Identity) -> tuple[PreviewLine, ...]:
        """Return the same for an identity that was read already. Calls nobody."""
        said = identity.said
        account = said.desired if isinstance(said.desired, ZohoUser) else None
        return preview_person(CompiledMapping(mapping), said.source, account, evaluation(store, self.now()))

    def change(self, store: Store, mapping: Mapping) -> ChangePreview:
        """Return how many people the mapping would change if it were saved, field by field. Reads the store page
        by page.
        """
        return self._compared(store, mapping, self.identities.everybody(store.id))

    def change_of_some(self, store: Store, mapping: Mapping, after: str, most: int) -> tuple[ChangePreview, str | None]:
        """Return the same for at most ``most`` people after the given one, and the last of them; None: the end is
        reached.

        A page can count a large store this way, in steps that are each as short as a request should be.
        """
        some = list(islice(self.identities.everybody(store.id, after), most))
        last = some[-1].identity.id if len(some) == most else None
        return self._compared(store, mapping, iter(some)), last

    def _compared(self, store: Store, mapping: Mapping, people: Iterator[Stored]) -> ChangePreview:
        return preview_change(
            self.mapping(store.id),
            CompiledMapping(mapping),
            _people(people),
            evaluation(store, self.now()),
            store.zoho.paths.keys(),
        )


def _people(everybody: Iterator[Stored]) -> Iterator[tuple[AzureUser, ZohoUser | None]]:
    for stored in everybody:
        said = stored.identity.said
        if isinstance(said.desired, ZohoUser):
            yield said.source, said.desired
