"""The bridge's steps of a SCIM write, on scim2-server."""

from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import Any, Union

from pydantic import ValidationError
from pydantic.alias_generators import to_camel
from scim2_models import (
    Context,
    InvalidValueException,
    ListResponse,
    PatchOp,
    PreconditionFailedException,
    Resource,
    ResourceType,
    ResponseParameters,
    ScimProvider,
    SearchRequest,
)
from scim2_server.conditions import Conditions
from scim2_server.handler import ScimHandler
from scim2_server.responses import ScimResponse
from scim2_server.service import ScimService
from scim2_server.utils import parametrize

from shared.scim.entra_shapes import EntraShapes
from shared.scim.errors import ServiceUnavailableException
from shared.scim.patience import until_free
from shared.scim.provider import multi_valued_of
from shared.scim.published import Published, applied, unknown_of
from shared.scim.storage import StoreResources
from shared.tables.errors import Stale

_ACTIVE, _MEMBERS = "active", "members"
"""Attributes of models that are made from schemas when the app starts: the first of people, the second of groups."""


class SyncService(ScimService):
    """The protocol, with what Entra expects beyond the standard's minimum."""

    def __init__(self, provider: ScimProvider, *, secret: bytes) -> None:
        super().__init__(provider, secret=secret)
        self.published = Published(provider)
        self.shapes = EntraShapes(multi_valued_of(provider))
        self._requests = tuple(self._models_of_requests())
        """Held for as long as the service is: pydantic builds them again, for milliseconds, once nobody holds them."""

    def _models_of_requests(self) -> Iterator[type]:
        """Yield the library's generic models as requests parametrize them."""
        models = self.get_models()
        yield parametrize(ListResponse, Union[tuple(models)])  # noqa: UP007 - the models are known at run time alone
        for model in models:
            for generic in (PatchOp, SearchRequest, ResponseParameters):
                yield parametrize(generic, model)

    def apply_patch(
        self, current: Resource[Any], patch_op: "PatchOp[Any]", conditions: Conditions
    ) -> Resource[Any] | None:
        """Apply a PATCH as the library does, but refuse a value of a wrong type in one sentence, not in pydantic's
        text.

        A filter may select an attribute that has one value.
        """
        self.check_preconditions(current, "PATCH", conditions)
        try:
            return current if applied(patch_op, current) else None
        except InvalidValueException as refused:
            if isinstance(refused.__cause__, ValidationError):
                raise InvalidValueException(detail=_sentence(refused.__cause__)) from None
            raise

    def patch_response(
        self, base_url: str, resource: Resource[Any], response_parameters: ResponseParameters[Any]
    ) -> ScimResponse:
        """Answer 200 with a person, which Entra reads after a PATCH; 204 for a group, whose members may be many."""
        if _MEMBERS in type(resource).model_fields:
            assert resource.meta is not None  # the storage has set it
            return ScimResponse(HTTPStatus.NO_CONTENT, None, {"ETag": str(resource.meta.version)})
        return self.resource_response(
            self.publish(base_url, resource), Context.RESOURCE_REPLACEMENT_RESPONSE, response_parameters
        )

    def error_response(self, exception: Exception) -> ScimResponse:
        """Return the SCIM error, with Retry-After where waiting helps (RFC 9110 §10.2.3)."""
        response = super().error_response(exception)
        if isinstance(exception, ServiceUnavailableException):
            response.headers["Retry-After"] = str(exception.retry_after)
        return response


class SyncHandler(ScimHandler):
    """Calls the storage between the service's steps.

    A write that changes nothing reaches the storage too: a change from an earlier request may still be pending. A write
    that met another of the same resource starts again from the new state, unless the client named a version with
    If-Match.
    """

    storage: StoreResources
    service: SyncService

    def replace_resource(
        self,
        resource_type: ResourceType,
        current: Resource[Any],
        replacement: Resource[Any],
        conditions: Conditions,
    ) -> Resource[Any]:
        """Serve a PUT. One without ``active`` keeps its value, a choice that RFC 7644 §3.5.1 leaves to the server."""
        resource_id, read = str(current.id), [current]
        self.storage.ignored += unknown_of(replacement)

        def write() -> Resource[Any]:
            standing = read.pop() if read else self.storage.get(resource_type, resource_id)
            wanted = replacement.model_copy(deep=True)
            if getattr(wanted, _ACTIVE, True) is None:
                setattr(wanted, _ACTIVE, getattr(standing, _ACTIVE))
            replaced = self.service.apply_replacement(standing, wanted, conditions)
            return self.storage.update(resource_type, replaced or standing, expected_version=_version(standing))

        return _until_free(write, conditions)

    def patch_resource(
        self, resource_type: ResourceType, resource_id: str, patch_op: "PatchOp[Any]", conditions: Conditions
    ) -> Resource[Any]:
        """Serve a PATCH; members of a group that it does not name are neither read nor written.

        Raises InvalidPathException where it names an attribute that a published schema does not have.
        """
        self.storage.ignored += self.service.published.unknown_in(patch_op, self.service.get_model(resource_type))
        parts = self.storage.split(resource_type, patch_op)

        def write() -> Resource[Any]:
            standing = self.storage.get(resource_type, resource_id)
            version, updated = _version(standing), None
            if parts.rest is None:
                self.service.check_preconditions(standing, "PATCH", conditions)
            else:
                updated = self.service.apply_patch(standing, parts.rest, conditions)
            return self.storage.patch(resource_type, updated or standing, parts, version)

        return _until_free(write, conditions)

    def delete_resource(self, resource_type: ResourceType, resource_id: str, conditions: Conditions) -> None:
        """Serve a DELETE."""
        delete = super().delete_resource
        _until_free(lambda: delete(resource_type, resource_id, conditions), conditions)


def _sentence(error: ValidationError) -> str:
    """Return the first error in the words of a POST: for a PATCH, pydantic names Python's fields."""
    first = error.errors()[0]
    place = ".".join(to_camel(part) for part in first["loc"] if isinstance(part, str) and part.isidentifier())
    return f"{first['msg']}: {place}" if place else first["msg"]


def _version(resource: Resource[Any]) -> str | None:
    return resource.meta.version if resource.meta else None


def _until_free[T](write: Callable[[], T], conditions: Conditions) -> T:
    def once() -> T:
        try:
            return write()
        except Stale:
            if conditions.if_match is not None:
                raise PreconditionFailedException from None
            raise

    return until_free(once)
