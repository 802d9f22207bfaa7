"""What the sync endpoint publishes: a path into it is applied or refused; what leads nowhere is ignored and noted."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from inspect import isclass
from typing import Any

from pydantic.alias_generators import to_camel
from scim2_models import (
    BaseModel,
    ComplexAttribute,
    InvalidPathException,
    NoTargetException,
    PatchOp,
    PatchOperation,
    Path,
    Resource,
    ScimFilter,
    ScimProvider,
)
from scim2_models.path import AttributeBinding, AttrPath, Comparison, FilterNode, LogicalExpr, Not, Present

from shared.rules.scim_path import ENTRA

_NAME = re.compile(r"(urn:[a-z0-9][\w.:-]{0,120}:)?[a-z$][\w$-]{0,60}(\.[a-z$][\w$-]{0,60})?", re.IGNORECASE)
NO_NAME = "(no attribute name)"
"""How a key is noted that could be anything, and so somebody's data."""


class Published:
    """The schemas of a sync endpoint."""

    def __init__(self, provider: ScimProvider) -> None:
        urns = [str(schema.id).lower() for schema in provider.schemas]
        self._urns = tuple(f"{urn}{separator}" for urn in urns for separator in ":.[")

    def unknown_in(self, patch: "PatchOp[Any]", model: type[Resource[Any]]) -> list[str]:
        """The attributes a PATCH names that no published schema has.

        Raises InvalidPathException where a path leads into a published schema and to no attribute of it: answered with
        success, it would not have been done.
        """
        named = [path for operation in patch.operations or () for path in _paths(operation, model)]
        return list(dict.fromkeys(attribute_name(path) for path in named if not self._leads_somewhere(path, model)))

    def _leads_somewhere(self, text: str, model: type[Resource[Any]]) -> bool:
        path = _bound(text, model)
        if path is not None and (path.model is not None or path.resolve() is not None):
            return True
        head = re.split(r"[\[. ]", text, maxsplit=1)[0] if path is None or path.schema is None else ""
        known = _bound(head, model) if head else None
        if text.lower().startswith(self._urns) or (known is not None and known.resolve()):
            raise InvalidPathException(path=text, detail=_refusal(text))
        return False


def unknown_of(resource: Resource[Any]) -> list[str]:
    """The attributes of a POST or PUT that no published schema has, at whatever depth."""
    urns = {extension.__name__: urn for urn, extension in type(resource).get_extension_models().items()}
    return list(dict.fromkeys(attribute_name(name) for name in _unknown(resource, "", urns)))


def _unknown(value: object, prefix: str, urns: Mapping[str, str]) -> Iterator[str]:
    if isinstance(value, list):
        for entry in value:
            yield from _unknown(entry, prefix, urns)
    elif isinstance(value, BaseModel):
        yield from (f"{prefix}{name}" for name in value.unknown_attributes)
        for name in value.model_fields_set:
            part = getattr(value, name, None)
            urn = urns.get(type(part).__name__)
            yield from _unknown(part, f"{urn}:" if urn else f"{prefix}{to_camel(name)}.", urns)


def attribute_name(path: str) -> str:
    """The name in a path as it may be shown: a filter holds values, and a key that is no name could be one."""
    head, _, rest = path.partition("[")
    text = head + rest.rpartition("]")[2] if rest else head
    return text if _NAME.fullmatch(text) else NO_NAME


def applied(patch: "PatchOp[Any]", resource: Resource[Any]) -> bool:
    """Apply a PATCH; whether it changed anything.

    A filter on an attribute with one value, such as ``manager[value eq "…"]``, which the library refuses, asks whether
    it is that one: of another, nothing is removed. Raises NoTargetException where another was to be changed.
    """
    if not any(_filter_of_one(operation) for operation in patch.operations or ()):
        return patch.patch(resource)
    changes = [_applied(patch, operation, resource) for operation in patch.operations or ()]
    return any(changes)


def _applied(patch: "PatchOp[Any]", operation: PatchOperation[Any], resource: Resource[Any]) -> bool:
    path = operation.path
    if path is not None and (asked := _filter_of_one(operation)) is not None:
        head = AttrPath(path.parts[0], None, path.schema)
        selects: Any = ScimFilter.__class_getitem__(type(resource))
        if not selects(str(_under(head, asked))).match(resource):
            if operation.op is PatchOperation.Op.remove:
                return False
            raise NoTargetException(detail=f"{path} is not what is there")
        plain = AttrPath(path.parts[0], path.parts[1] if len(path.parts) > 1 else None, path.schema)
        operation = operation.model_copy(update={"path": type(path)(str(plain))})
    return patch.model_copy(update={"operations": [operation]}).patch(resource)


def _filter_of_one(operation: PatchOperation[Any]) -> FilterNode | None:
    """The filter of a path to an attribute that has one value."""
    path = operation.path
    if path is None or path.value_filter is None or (binding := path.resolve()) is None or binding.is_multivalued:
        return None
    if not _has_parts(binding):
        raise InvalidPathException(path=str(path), detail=f"{path} selects among the parts of a value that has none")
    return path.value_filter


def _under(head: AttrPath, node: FilterNode) -> FilterNode:
    """A filter on an entry as one on the resource."""
    match node:
        case Comparison(attr_path=path) | Present(attr_path=path):
            return replace(node, attr_path=AttrPath(head.attr, path.attr, head.uri))
        case Not(expr=inner):
            return Not(_under(head, inner))
        case LogicalExpr(terms=terms):
            return replace(node, terms=tuple(_under(head, term) for term in terms))
        case _:
            return node


def _paths(operation: PatchOperation[Any], model: type[Resource[Any]]) -> Iterator[str]:
    """The paths an operation writes to: its own, and those that the keys of its value are."""
    own = str(operation.path or "")
    if own:
        yield own
    if operation.op is not PatchOperation.Op.remove:
        yield from _keys(own, operation.value, model)


def _keys(parent: str, value: object, model: type[Resource[Any]]) -> Iterator[str]:
    if not isinstance(value, dict) or (prefix := _prefix(parent, model)) is None:
        return
    for key, part in value.items():
        if key.lower() != "schemas":
            yield f"{prefix}{key}"
            yield from _keys(f"{prefix}{key}", part, model)


def _prefix(parent: str, model: type[Resource[Any]]) -> str | None:
    """What the keys of an object at a path follow; None where they are no paths of their own."""
    path = _bound(parent, model)
    if path is None:
        return None
    if path.model is not None:
        return "" if path.model is model else f"{parent}:"
    binding = path.resolve()
    if binding is None or binding.sub_field_name or not _has_parts(binding):
        return None
    return None if binding.is_multivalued and path.value_filter is None else f"{parent}."


def _has_parts(binding: AttributeBinding) -> bool:
    return isclass(binding.field_type) and issubclass(binding.field_type, ComplexAttribute)


def _bound(text: str, model: type[Resource[Any]]) -> "Path[Any] | None":
    """A path as the model reads it; None where it is none."""
    bind: Callable[[str], Path[Any]] = Path.__class_getitem__(model)
    try:
        return bind(text)
    except InvalidPathException:
        return None


def _refusal(path: str) -> str:
    told = f'"{path[:200]}" is no attribute that this sync endpoint has: /Schemas lists them'
    return f"{told}. Directory extensions are listed in the store's settings" if path.startswith(ENTRA) else told
