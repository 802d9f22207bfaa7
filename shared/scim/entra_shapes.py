"""Entra's own ways of writing SCIM, converted to the standard's before the library reads them.

What scim2-models tolerates by policy is not repeated here. The shapes are those of Microsoft's page "Known issues and
resolutions with SCIM 2.0 protocol compliance of the Microsoft Entra user provisioning service", and of public reports
of requests that Entra has sent.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace

from pydantic import JsonValue, TypeAdapter, ValidationError
from scim2_models import ScimFilter
from scim2_models.path import AttrPath, Comparison, FilterNode, LogicalExpr, Not, Present

from shared.model import HIDDEN
from shared.rules.scim_path import ENTERPRISE, ENTRA, Resource
from shared.scim.entra_operations import Operations
from shared.scim.entra_values import is_active, readable_active, standard_manager, standard_roles
from shared.scim.work import ensure_bounded_body

_JSON = TypeAdapter[JsonValue](JsonValue, config=HIDDEN)


@dataclass(frozen=True)
class EntraShapes:
    """Converts the bodies of writes to the standard's shapes."""

    multi_valued: Collection[str]
    """Attributes, in lower case, that hold several values."""

    def standard_body(self, body: bytes) -> bytes:
        """Convert the body of a write; one that is not a JSON object is left for the library to refuse.

        Raises InvalidValueException where ``active`` is neither true nor false, and PayloadTooLargeException where the
        body asks for too much work.
        """
        try:
            value = _JSON.validate_json(body)
        except ValidationError:
            return body
        ensure_bounded_body(value)
        if not isinstance(value, dict):
            return body
        return _JSON.dump_json(self._standard_payload(value))

    def _standard_payload(self, payload: Resource) -> Resource:
        """Convert a PATCH, a bulk request, or a resource."""
        operations = next((value for key, value in payload.items() if key.lower() == "operations"), None)
        if not isinstance(operations, list):
            return self._standard_resource(payload)
        rest = {key: value for key, value in payload.items() if key.lower() != "operations"}
        return rest | {"Operations": [one for operation in operations for one in self._standard(operation)]}

    def _standard(self, operation: JsonValue) -> list[JsonValue]:
        """Convert one operation of a PATCH or of a bulk request; one without a path may become several."""
        if not isinstance(operation, dict):
            return [operation]
        data = next((key for key in operation if key.lower() == "data"), "data")
        if isinstance(payload := operation.get(data), dict):
            return [operation | {data: self._standard_payload(payload)}]
        return Operations(self.multi_valued).standard(operation)

    def _standard_resource(self, resource: Resource) -> Resource:
        """Convert a resource; names are compared without letter case (RFC 7643 §2.1)."""
        standard: Resource = {}
        for key, value in resource.items():
            if key.lower() == ENTERPRISE.lower() and isinstance(value, dict):
                standard[key] = _standard_extension(value)
            elif key.lower() == ENTRA.lower() and isinstance(value, dict):
                standard[key] = Operations(self.multi_valued).standard_entra(value)
            elif key.lower() == "roles":
                standard[key] = standard_roles(value)
            elif is_active(key):
                standard[key] = readable_active(value)
            else:
                standard[key] = value
        return standard


def standard_filter(text: str) -> str:
    """Convert a filter in which ``manager`` stands for the enterprise extension's manager id, as in Entra's reference
    check.

    The same for ``manager.value``. A filter that does not parse is left for the library to refuse.
    """
    if "manager" not in text.lower():
        return text
    try:
        tree = ScimFilter(text).ast
    except ValueError:
        return text
    return str(_with_manager(tree))


def _standard_extension(extension: Resource) -> Resource:
    rest = {key: value for key, value in extension.items() if key.lower() != "manager"}
    manager = next((standard_manager(value) for key, value in extension.items() if key.lower() == "manager"), None)
    return rest | {"manager": manager} if manager else rest


def _with_manager(node: FilterNode) -> FilterNode:
    match node:
        case Comparison(attr_path=path) | Present(attr_path=path):
            if path.attr.lower() == "manager" and (path.sub_attr or "value").lower() == "value":
                return replace(node, attr_path=AttrPath("manager", "value", ENTERPRISE))
            return node
        case Not(expr=inner):
            return Not(_with_manager(inner))
        case LogicalExpr(terms=terms):
            return replace(node, terms=tuple(_with_manager(term) for term in terms))
        case _:
            return node
