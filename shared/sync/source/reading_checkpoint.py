"""How far a store's reading of Microsoft Graph has come: kept in the note of its lease, sealed."""

import hashlib

from pydantic import ConfigDict

from shared.entra.users_delta import DeltaPosition
from shared.model import Model
from shared.rules.guests import Guests
from shared.rules.store import Store
from shared.sync.source.groups import ScopeCheckpoint


class ReadingCheckpoint(Model):
    """Where the next cycle goes on."""

    model_config = ConfigDict(frozen=True)

    about: str = ""
    """A digest of what was asked for: of another tenant, scope or criteria nothing was read."""
    position: DeltaPosition | None = None
    pages: int = 0
    """Number of pages read of the full round under way, each kept with the ids it listed."""
    people: int = 0
    """Number of people that the last full round listed."""
    scope: ScopeCheckpoint = ScopeCheckpoint()
    again: bool = False
    """Whether somebody is to be read by their id, because they could not be kept when they were listed."""
    rules: str = ""
    """A digest of the mapping and the rules that everybody's desired state was last computed by."""
    checked: str = ""
    """The same, once nobody was found any more who had been computed by others."""
    renewed_to: str = ""
    """The id up to which everybody's has been computed again, while that is under way."""
    group_rules: str = ""
    """A digest of the settings that groups were last looked at by."""

    def about_another(self, about: str) -> "ReadingCheckpoint":
        """For another question: everybody is read again, and nothing is forgotten that does not depend on it."""
        kept = self.model_dump(include={"rules", "checked", "people", "group_rules"})
        return ReadingCheckpoint(about=about, **kept)


def asked_for(store: Store) -> str:
    """A digest of which people a store takes: when it changes, everybody is read again."""
    assert store.entra is not None  # or nobody reads
    connection = store.entra.model_dump_json(include={"tenant_id", "scope", "enterprise_app", "graph"})
    guests = () if store.guests is Guests.AS_OTHERS else (store.guests,)
    return _digest(connection, store.criteria.model_dump_json() if store.criteria else "", *guests)


def group_rules_of(store: Store) -> str:
    """A digest of what a store does with groups."""
    return _digest(store.groups.model_dump_json(exclude={"deleted"}), *filter(None, [store.default_domain]))


def _digest(*texts: str) -> str:
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()
