"""What a changed mapping would do to a store's people, before it is saved."""

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from shared.directory.azure_user import AzureUser
from shared.directory.compiled_mapping import CompiledMapping
from shared.directory.expressions import EvaluationContext
from shared.directory.mapping import Mapping
from shared.directory.preview import ChangePreview, PreviewLine, preview_change, preview_person
from shared.directory.store import Store
from shared.directory.zoho_user import ZohoUser
from shared.tables.identities import Identities

_RANDOM = secrets.SystemRandom()


@dataclass(frozen=True)
class MappingPreview:
    """Answers from what the bridge holds: Zoho One is not asked, so every name counts as free. Raises TablesBusy."""

    identities: Identities
    mapping: Callable[[str], CompiledMapping]
    now: Callable[[], datetime]

    def person(self, store: Store, mapping: Mapping, identity_id: str) -> tuple[PreviewLine, ...]:
        """Each field of one person with the rule it comes from. Raises KeyError where he is not in the store."""
        stored = self.identities.read(store.id, identity_id)
        if stored is None:
            raise KeyError(identity_id)
        said = stored.identity.said
        account = said.desired if isinstance(said.desired, ZohoUser) else None
        return preview_person(CompiledMapping(mapping), said.source, account, self._context())

    def change(self, store: Store, mapping: Mapping) -> ChangePreview:
        """How many people the mapping would change, field by field, if it were saved. Reads the store page by page."""
        return preview_change(
            self.mapping(store.id),
            CompiledMapping(mapping),
            self._people(store),
            self._context(),
            store.zoho.paths.keys(),
        )

    def _people(self, store: Store) -> Iterator[tuple[AzureUser, ZohoUser | None]]:
        for stored in self.identities.everybody(store.id):
            said = stored.identity.said
            if isinstance(said.desired, ZohoUser):
                yield said.source, said.desired

    def _context(self) -> EvaluationContext:
        return EvaluationContext(self.now(), _RANDOM, lambda _: False)
