"""What the dispatcher asks of each resource type, and the parts of an answer that all types share."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NoReturn, Protocol

from pydantic import JsonValue, TypeAdapter
from scim2_models import (
    Meta,
    NotFoundException,
    PatchOp,
    PayloadTooLargeException,
    PreconditionFailedException,
    Resource,
    ResourceType,
    ResponseParameters,
    ScimProvider,
    SearchRequest,
)

from shared.model import HIDDEN
from shared.rules.groups.member_change import MemberRequest
from shared.tables.scim_row import ScimRow

MAX_RESOURCE = 80_000
"""Bytes of one person, or of one group without its members, in UTF-16, as Table Storage counts.

An entity of 1 MiB holds a person up to five times, once with every quotation mark escaped, and beside that three times
what the mapping gives (rules/mapping/compiled.py, LONGEST_VALUE).
"""

JSON = TypeAdapter[dict[str, JsonValue]](dict[str, JsonValue], config=HIDDEN)


@dataclass(frozen=True)
class PatchParts:
    """A PATCH, taken apart into what concerns the members of a group and the rest."""

    rest: "PatchOp[Any] | None"
    """None where it names nothing but members."""
    members: MemberRequest = field(default_factory=MemberRequest)


class Listed(Protocol):
    """Resources of one type that pages of everything are made of."""

    def everything(self, after: str = "", page: int | None = None) -> Iterable[ScimRow]:
        """Return the rows of all resources after an id, in the order of ids. ``page``: rows in one round trip."""

    def ids(self) -> Iterable[str]:
        """Return the ids of all resources in order, a thousand in one round trip."""


class KindStorage(Listed, Protocol):
    """The resources of one type in one directory store, for one request.

    A resource that is missing raises NotFoundException, a version other than the expected one
    PreconditionFailedException, a resource that another request wrote meanwhile Stale or BeingWritten.
    """

    def get(
        self, kind: ResourceType, resource_id: str, parameters: ResponseParameters[Any] | None, *, keep: bool
    ) -> Resource[Any]:
        """Return a resource; ``keep`` without parameters: for a write of it in this request, which reads no more."""

    def shown(self, kind: ResourceType, row: ScimRow, parameters: ResponseParameters[Any] | None) -> Resource[Any]:
        """Return a resource for an answer."""

    def matching(self, kind: ResourceType, request: SearchRequest[Any], after: str) -> Iterable[Resource[Any]]:
        """Return the resources after an id that a search finds, in the order of ids."""

    def create(self, kind: ResourceType, resource: Resource[Any]) -> Resource[Any]:
        """Write a new resource to Zoho One."""

    def update(self, kind: ResourceType, resource: Resource[Any], expected_version: str | None) -> Resource[Any]:
        """Write a resource's new state to Zoho One."""

    def split(self, patch: "PatchOp[Any]") -> PatchParts:
        """Take a PATCH apart. Raises InvalidPath- and InvalidValueException."""

    def patch(
        self, kind: ResourceType, resource: Resource[Any], parts: PatchParts, expected_version: str | None
    ) -> Resource[Any]:
        """Write a resource to which ``parts.rest`` has been applied to Zoho One, and what is said of its members."""

    def delete(self, kind: ResourceType, resource_id: str, expected_version: str | None) -> None:
        """Record that Entra has deleted a resource for good."""

    def forget(self) -> None:
        """Forget what was read for a write."""


class ReadForWrite[Kept](ABC):
    """Reads resources for a write; what was read and kept is not read again by the write that follows."""

    def __init__(self) -> None:
        self._kept: dict[str, Kept] = {}

    def forget(self) -> None:
        """Forget what was read for a write."""
        self._kept.clear()

    def _for_write(self, kind: ResourceType, resource_id: str, expected_version: str | None = None) -> Kept:
        """Raises NotFound- and PreconditionFailedException."""
        found = self._kept.pop(resource_id, None) or self._read(resource_id)
        if found is None:
            not_found(kind, resource_id)
        if expected_version is not None and expected_version != self._version_of(found):
            raise PreconditionFailedException
        return found

    @abstractmethod
    def _read(self, resource_id: str) -> Kept | None:
        """Return a resource with what guards its next write."""

    @abstractmethod
    def _version_of(self, kept: Kept) -> str:
        """Return the version that a client knows of it."""


def model_of(provider: ScimProvider, kind: ResourceType) -> type[Resource[Any]]:
    """Return the model of a type to which the service has routed a request."""
    model = provider.model_for(kind)
    assert model is not None
    assert issubclass(model, Resource)  # resource types only name resources
    return model


def described(resource: Resource[Any], kind: ResourceType, row: ScimRow, version: str) -> Resource[Any]:
    """Fill in what the bridge itself says of a resource."""
    resource.id = row.id
    resource.meta = Meta(resource_type=kind.name, created=row.created, last_modified=row.modified, version=version)
    return resource


def written_by_entra(resource: Resource[Any]) -> dict[str, JsonValue]:
    """Return what Entra wrote, without what the bridge itself says."""
    payload: dict[str, JsonValue] = resource.model_dump(mode="json", exclude_none=True)
    payload.pop("id", None)
    payload.pop("meta", None)
    return payload


def ensure_fits(payload: dict[str, JsonValue], what: str) -> None:
    """Raise PayloadTooLargeException where one resource takes more than MAX_RESOURCE. ``what`` it is, for a message."""
    if len(JSON.dump_json(payload).decode().encode("utf-16-le", "surrogatepass")) > MAX_RESOURCE:
        raise PayloadTooLargeException(detail=f"One {what} may take {MAX_RESOURCE // 2:,} characters at the most")


def not_found(kind: ResourceType, resource_id: str) -> NoReturn:
    """Raise NotFoundException."""
    raise NotFoundException(detail=f"{kind.name} {resource_id!r} not found")
