"""The resources of a sync endpoint for scim2-server: each call goes to the storage of its resource type."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from heapq import merge
from itertools import islice
from typing import Any

from scim2_models import (
    NotFoundException,
    PatchOp,
    Resource,
    ResourceType,
    ResponseParameters,
    ScimProvider,
    SearchRequest,
)
from scim2_server.storage import ScimStorage, SearchPage

from shared.rules.store import Store
from shared.scim.errors import scim_errors
from shared.scim.groups import GroupStorage
from shared.scim.kind import KindStorage, Listed, PatchParts
from shared.scim.paging import by_cursor, by_index
from shared.scim.people import PeopleStorage
from shared.scim.places import KnownPlaces
from shared.scim.published import unknown_of
from shared.scim.unmanaged import UnmanagedStorage
from shared.sync.push.groups import GroupPush
from shared.sync.push.people import Push
from shared.tables.groups import Groups
from shared.tables.identities import Identities
from shared.tables.record_table import LARGEST_PAGE
from shared.tables.scim_row import ScimRow
from shared.tables.unmanaged_accounts import UnmanagedAccounts

ALL = 10**9
"""More resources than a store has."""


@dataclass
class StoreResources(ScimStorage):
    """The people and groups of one directory store, for one request: what it read, it need not read again to write."""

    supports_cursors = True

    kinds: Mapping[str, KindStorage]
    """By the name of their resource type."""
    places: KnownPlaces
    store_key: tuple[str, ...]
    """What the store's places are known by."""
    ignored: list[str] = field(default_factory=list)
    """What the request named and no published schema has."""
    _within: bool = False

    @contextmanager
    def operation(self) -> Iterator[None]:
        """One SCIM operation."""
        self._within = True
        try:
            with scim_errors():
                yield
        finally:
            self._within = False
            for kind in self.kinds.values():
                kind.forget()

    def get(
        self,
        resource_type: ResourceType,
        resource_id: str,
        *,
        response_parameters: ResponseParameters[Any] | None = None,
    ) -> Resource[Any]:
        """Answer a read as Entra wrote it; without response parameters, a write of the same resource follows."""
        return self._of(resource_type).get(resource_type, resource_id, response_parameters, keep=self._within)

    def search(
        self, resource_types: list[ResourceType], search_request: SearchRequest[Any], *, position: Any = None
    ) -> SearchPage:
        """Find resources: by one point read where the filter allows it, else page by page through the store."""

        def scan(after: str) -> Iterable[Resource[Any]]:
            found = (self._of(kind).matching(kind, search_request, after) for kind in resource_types)
            return merge(*found, key=lambda one: str(one.id))

        if search_request.cursor is not None:
            return by_cursor(scan, search_request, position)
        if search_request.filter is None and search_request.sort_by is None:
            return self._listed(resource_types, search_request)
        return by_index(scan, search_request, lambda one: self._either(resource_types, one, search_request))

    def create(self, resource_type: ResourceType, resource: Resource[Any]) -> Resource[Any]:
        """Write a new resource to Zoho One."""
        self.ignored += unknown_of(resource)
        return self._of(resource_type).create(resource_type, resource)

    def update(
        self, resource_type: ResourceType, resource: Resource[Any], *, expected_version: str | None = None
    ) -> Resource[Any]:
        """Write a resource's new state to Zoho One. Raises Stale where another request was faster."""
        return self._of(resource_type).update(resource_type, resource, expected_version)

    def split(self, resource_type: ResourceType, patch: "PatchOp[Any]") -> PatchParts:
        """Take a PATCH apart. Raises InvalidPath- and InvalidValueException."""
        return self._of(resource_type).split(patch)

    def patch(
        self, resource_type: ResourceType, resource: Resource[Any], parts: PatchParts, expected_version: str | None
    ) -> Resource[Any]:
        """Write a resource to which a PATCH has been applied to Zoho One. Raises Stale."""
        return self._of(resource_type).patch(resource_type, resource, parts, expected_version)

    def delete(self, resource_type: ResourceType, resource_id: str, *, expected_version: str | None = None) -> None:
        """Record that Entra has deleted a resource for good. Raises Stale where another request was faster."""
        self._of(resource_type).delete(resource_type, resource_id, expected_version)

    def _of(self, resource_type: ResourceType) -> KindStorage:
        return self.kinds[str(resource_type.name)]

    def _listed(self, kinds: list[ResourceType], request: SearchRequest[Any]) -> SearchPage:
        """Return a page of all resources, type after type. See places.py for what it costs."""
        count = ALL if request.count is None else request.count
        skip, left, total, page = request.start_index_0 or 0, count, 0, list[Resource[Any]]()
        for kind in kinds:
            for source, show in self._listed_of(kind, request):
                rows, there = self._some(source, skip, left)
                page += map(show, rows)
                skip, left, total = max(skip - there, 0), left - len(rows), total + there
        return SearchPage(total, page)

    def _listed_of(
        self, kind: ResourceType, request: SearchRequest[Any]
    ) -> Iterator[tuple[Listed, Callable[[ScimRow], Resource[Any]]]]:
        """Return what is listed of a type, one after the other, and how its rows are shown."""
        storage = self._of(kind)
        yield storage, lambda row: storage.shown(kind, row, request)
        if isinstance(storage, PeopleStorage) and (unmanaged := storage.unmanaged) is not None:
            yield unmanaged, lambda row: unmanaged.shown(kind, row)

    def _some(self, storage: Listed, skip: int, count: int) -> tuple[list[ScimRow], int]:
        """Return so many rows after those that are skipped, and the number of all."""
        key = (*self.store_key, type(storage).__name__)
        if skip == 0:
            rows = list(islice(storage.everything(page=min(count + 1, LARGEST_PAGE)), count + 1))
            there = len(rows) if len(rows) <= count else self.places.counted(key, storage.ids()).total
            return rows[:count], there
        places = self.places.known(key, storage.ids)
        if skip >= places.total or not count:
            return [], places.total
        after, between = places.before(skip)
        rows = list(islice(storage.everything(after, min(between + count, LARGEST_PAGE)), between, between + count))
        return rows, places.total

    def _either(self, kinds: list[ResourceType], resource_id: str, request: SearchRequest[Any]) -> Resource[Any] | None:
        for kind in kinds:
            try:
                return self.get(kind, resource_id, response_parameters=request)
            except NotFoundException:
                continue
        return None


@dataclass(frozen=True)
class Storages:
    """What the storage of every directory store is made of."""

    identities: Identities
    groups: Groups
    push: Push
    group_push: GroupPush
    places: KnownPlaces
    unmanaged: UnmanagedAccounts

    def of(self, store: Store, provider: ScimProvider) -> StoreResources:
        """Return the storage of one directory store, for one request."""
        listed = UnmanagedStorage(store, provider, self.unmanaged) if store.lists_unmanaged else None
        people = PeopleStorage(store, provider, self.identities, self.push, listed)
        groups = GroupStorage(store, provider, self.groups, self.group_push)
        return StoreResources({"User": people, "Group": groups}, self.places, (store.id, store.incarnation))
