"""The steps of a SCIM write as the bridge takes them, on scim2-server."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from pydantic import ValidationError
from pydantic.alias_generators import to_camel
from scim2_models import (
    Context,
    InvalidValueException,
    PatchOp,
    PreconditionFailedException,
    Resource,
    ResourceType,
    ResponseParameters,
    ScimProvider,
)
from scim2_server.conditions import Conditions
from scim2_server.handler import ScimHandler
from scim2_server.responses import ScimResponse
from scim2_server.service import ScimService

from shared.scim.entra_shapes import EntraShapes
from shared.scim.errors import ServiceUnavailableException
from shared.scim.member_operations import member_request
from shared.scim.patience import until_free
from shared.scim.provider import multi_valued_of
from shared.scim.published import Published, applied, unknown_of
from shared.scim.storage import GROUP, IdentityStorage
from shared.tables.errors import Stale

_ACTIVE = "active"
"""The attribute of a model that is made from a schema when the app starts."""


class SyncService(ScimService):
    """The protocol, with what Entra expects beyond the standard's minimum."""

    def __init__(self, provider: ScimProvider, *, secret: bytes) -> None:
        super().__init__(provider, secret=secret)
        self.published = Published(provider)
        self.shapes = EntraShapes(multi_valued_of(provider))

    def apply_patch(
        self, current: Resource[Any], patch_op: "PatchOp[Any]", conditions: Conditions
    ) -> Resource[Any] | None:
        """As the library does it, but a value of a wrong type is refused in one sentence, not in pydantic's text.

        And a filter may select an attribute that has one value.
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
        """200 with the person: Entra reads the answer to a user's PATCH. 204 for a group, whose members are many."""
        if self.get_resource_type_of(resource).name == GROUP:
            assert resource.meta is not None  # the storage has set it
            return ScimResponse(HTTPStatus.NO_CONTENT, None, {"ETag": str(resource.meta.version)})
        return self.resource_response(
            self.publish(base_url, resource), Context.RESOURCE_REPLACEMENT_RESPONSE, response_parameters
        )

    def error_response(self, exception: Exception) -> ScimResponse:
        """The SCIM error, with Retry-After where waiting helps (RFC 9110 §10.2.3)."""
        response = super().error_response(exception)
        if isinstance(exception, ServiceUnavailableException):
            response.headers["Retry-After"] = str(exception.retry_after)
        return response


class SyncHandler(ScimHandler):
    """Calls the storage between the service's steps.

    A write that changes nothing reaches the storage too: the person may still be pending from an earlier request.
    And a write that met another of the same person starts again from the new state, unless the client said with
    If-Match which state it means.
    """

    storage: IdentityStorage
    service: SyncService

    def replace_resource(
        self,
        resource_type: ResourceType,
        current: Resource[Any],
        replacement: Resource[Any],
        conditions: Conditions,
    ) -> Resource[Any]:
        """A PUT. One that leaves ``active`` out keeps it as it was, which RFC 7644 §3.5.1 leaves to the server."""
        resource_id, read = str(current.id), [current]
        self.storage.ignored += unknown_of(replacement)

        def write() -> Resource[Any]:
            standing = read.pop() if read else self.storage.get(resource_type, resource_id)
            wanted = replacement.model_copy(deep=True)
            if resource_type.name != GROUP and getattr(wanted, _ACTIVE) is None:
                setattr(wanted, _ACTIVE, getattr(standing, _ACTIVE))
            replaced = self.service.apply_replacement(standing, wanted, conditions)
            return self._update(resource_type, standing, replaced)

        return _until_free(write, conditions)

    def patch_resource(
        self, resource_type: ResourceType, resource_id: str, patch_op: "PatchOp[Any]", conditions: Conditions
    ) -> Resource[Any]:
        """A PATCH; what it says of a group's members goes a way of its own, past those it does not name.

        Raises InvalidPathException where it leads into a published schema, to an attribute that is not there.
        """
        self.storage.ignored += self.service.published.unknown_in(patch_op, self.service.get_model(resource_type))
        if resource_type.name == GROUP:
            return self._patch_group(resource_type, resource_id, patch_op, conditions)

        def write() -> Resource[Any]:
            standing = self.storage.get(resource_type, resource_id)
            return self._update(resource_type, standing, self.service.apply_patch(standing, patch_op, conditions))

        return _until_free(write, conditions)

    def delete_resource(self, resource_type: ResourceType, resource_id: str, conditions: Conditions) -> None:
        """A DELETE."""
        delete = super().delete_resource
        _until_free(lambda: delete(resource_type, resource_id, conditions), conditions)

    def _patch_group(
        self, resource_type: ResourceType, resource_id: str, patch_op: "PatchOp[Any]", conditions: Conditions
    ) -> Resource[Any]:
        members, rest = member_request(patch_op)

        def write() -> Resource[Any]:
            standing = self.storage.get(resource_type, resource_id)
            version = standing.meta.version if standing.meta else None
            if rest is None:
                self.service.check_preconditions(standing, "PATCH", conditions)
                updated = None
            else:
                updated = self.service.apply_patch(standing, rest, conditions)
            return self.storage.groups.update(resource_type, updated or standing, members, version)

        return _until_free(write, conditions)

    def _update(
        self, resource_type: ResourceType, standing: Resource[Any], updated: Resource[Any] | None
    ) -> Resource[Any]:
        version = standing.meta.version if standing.meta else None
        return self.storage.update(resource_type, updated or standing, expected_version=version)


def _sentence(error: ValidationError) -> str:
    """The first thing that is wrong, as a POST is told: where a PATCH is applied, pydantic names Python's fields."""
    first = error.errors()[0]
    place = ".".join(to_camel(part) for part in first["loc"] if isinstance(part, str) and part.isidentifier())
    return f"{first['msg']}: {place}" if place else first["msg"]


def _until_free[T](write: Callable[[], T], conditions: Conditions) -> T:
    def once() -> T:
        try:
            return write()
        except Stale:
            if conditions.if_match is not None:
                raise PreconditionFailedException from None
            raise

    return until_free(once)
