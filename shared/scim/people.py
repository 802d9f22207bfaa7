"""The people of a sync endpoint: identities in Table Storage, written through push."""

from collections.abc import Iterable
from typing import Any

from pydantic import JsonValue
from scim2_models import (
    InvalidValueException,
    PatchOp,
    Resource,
    ResourceType,
    ResponseParameters,
    ScimProvider,
    SearchRequest,
)

from shared.rules.identity import Identity
from shared.rules.resource_version import resource_version
from shared.rules.store import Store
from shared.scim.errors import scim_errors
from shared.scim.kind import PatchParts, ReadForWrite, described, ensure_fits, model_of, not_found, written_by_entra
from shared.scim.patience import until_free
from shared.scim.point_filter import point_of
from shared.scim.unmanaged import UnmanagedStorage
from shared.scim.work import MOST_ENTRIES
from shared.sync.push.people import Push
from shared.tables.claims import Lookup
from shared.tables.identities import Identities
from shared.tables.identity_rows import Stored
from shared.tables.scim_row import ScimRow

MAX_WORK_ADDRESSES = 20
"""Each is a row to be found by, and a transaction takes a hundred."""


class PeopleStorage(ReadForWrite[Stored]):
    """The people of one directory store."""

    def __init__(
        self,
        store: Store,
        provider: ScimProvider,
        identities: Identities,
        push: Push,
        unmanaged: UnmanagedStorage | None = None,
    ) -> None:
        """``unmanaged``: the accounts that are listed after the people; None: the store does not list them."""
        super().__init__()
        self.store = store
        self.provider = provider
        self.identities = identities
        self.push = push
        self.unmanaged = unmanaged

    def get(
        self, kind: ResourceType, resource_id: str, parameters: ResponseParameters[Any] | None, *, keep: bool
    ) -> Resource[Any]:
        """Return a person, for an answer as Entra is told, for a write as Entra wrote them."""
        if parameters is not None:
            people = self.identities.find(self.store.id, Lookup.ID, resource_id)
            if not people and self.unmanaged is not None and (account := self.unmanaged.find(resource_id)) is not None:
                return self.unmanaged.shown(kind, account)
            return self.shown(kind, people[0], parameters) if people else not_found(kind, resource_id)
        stored = self._for_write(kind, resource_id)
        if keep:
            self._kept[resource_id] = stored
        return self._resource(kind, _row(stored.identity))

    def everything(self, after: str = "", page: int | None = None) -> Iterable[ScimRow]:
        """Return everybody after an id, in the order of ids."""
        return self.identities.scan(self.store.id, after, page)

    def ids(self) -> Iterable[str]:
        """Return the ids of everybody in order."""
        return self.identities.ids(self.store.id)

    def shown(
        self,
        kind: ResourceType,
        row: ScimRow,
        parameters: ResponseParameters[Any] | None,  # noqa: ARG002 - a group's are read
    ) -> Resource[Any]:
        """Return a person for an answer, in which nobody is active whose account is not."""
        resource = self._resource(kind, row)
        if row.is_kept_inactive:
            resource.active = False  # type: ignore[attr-defined]  # of a User
        return resource

    def matching(self, kind: ResourceType, request: SearchRequest[Any], after: str) -> Iterable[Resource[Any]]:
        """Return the people that a search finds."""
        found = (self.shown(kind, row, request) for row in self._candidates(request, after))
        return (one for one in found if request.filter is None or request.filter.match(one))

    def create(self, kind: ResourceType, resource: Resource[Any]) -> Resource[Any]:
        """Write a new person to Zoho One."""
        payload = _payload(resource)
        with scim_errors():
            identity = until_free(lambda: self.push.create(self.store, payload))
        return self._answer(kind, identity)

    def update(self, kind: ResourceType, resource: Resource[Any], expected_version: str | None) -> Resource[Any]:
        """Write a person's new state to Zoho One."""
        payload = _payload(resource)
        stored = self._for_write(kind, str(resource.id), expected_version)
        with scim_errors():
            return self._answer(kind, self.push.replace(self.store, stored, payload))

    def split(self, patch: "PatchOp[Any]") -> PatchParts:
        """Leave a PATCH whole: a person has no members."""
        return PatchParts(patch)

    def patch(
        self,
        kind: ResourceType,
        resource: Resource[Any],
        parts: PatchParts,  # noqa: ARG002 - a group's members are in them
        expected_version: str | None,
    ) -> Resource[Any]:
        """Write a person's new state to Zoho One."""
        return self.update(kind, resource, expected_version)

    def delete(self, kind: ResourceType, resource_id: str, expected_version: str | None) -> None:
        """Record that Entra has deleted a person for good."""
        stored = self._for_write(kind, resource_id, expected_version)
        with scim_errors():
            self.push.delete(self.store, stored)

    def _read(self, resource_id: str) -> Stored | None:
        return self.identities.read(self.store.id, resource_id)

    def _version_of(self, kept: Stored) -> str:
        return resource_version(kept.identity.said.resource)

    def _candidates(self, request: SearchRequest[Any], after: str) -> Iterable[ScimRow]:
        """Return the people that the filter may match."""
        if point := point_of(request.filter.ast if request.filter else None):
            return (row for row in self.identities.find(self.store.id, *point) if row.id > after)
        return self.everything(after)

    def _answer(self, kind: ResourceType, identity: Identity) -> Resource[Any]:
        return self.shown(kind, _row(identity), None)

    def _resource(self, kind: ResourceType, row: ScimRow) -> Resource[Any]:
        resource = model_of(self.provider, kind).model_validate_json(row.resource)
        return described(resource, kind, row, resource_version(row.resource))


def _row(identity: Identity) -> ScimRow:
    said = identity.said
    return ScimRow(identity.id, said.resource, identity.created, said.modified, identity.is_kept_inactive)


def _payload(resource: Resource[Any]) -> dict[str, JsonValue]:
    """Return what Entra wrote. Raises InvalidValue- and PayloadTooLargeException."""
    payload = written_by_entra(resource)
    if "userName" in payload and not str(payload["userName"]).strip():
        raise InvalidValueException(detail="userName must not be empty: look at what Entra's mapping gives it")
    emails = payload.get("emails")
    if isinstance(emails, list) and len(emails) > MAX_WORK_ADDRESSES:
        raise InvalidValueException(detail=f"One person may have {MAX_WORK_ADDRESSES} email addresses at the most")
    if sum(len(part) for part in payload.values() if isinstance(part, list)) > MOST_ENTRIES:
        raise InvalidValueException(detail=f"One person may have {MOST_ENTRIES} entries of lists at the most")
    ensure_fits(payload, "person")
    return payload
