"""The bodies of the requests Entra's provisioning service sends, in its two dialects.

Which one is spoken depends on the flag `aadOptscim062020` of the Tenant URL. Without it, Entra sends what it always
sent: capitalised operations, one for each path, booleans as text. With it, what the RFCs ask for.

Source: "Known issues and resolutions with SCIM 2.0 protocol compliance", section "Flags to alter the SCIM behavior",
https://learn.microsoft.com/entra/identity/app-provisioning/application-provisioning-config-problem-scim-compatibility
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from local.entra.mapping import ACTIVE, DEFAULT_MAPPING, MANAGER
from local.zoho_one.scim_path import ENTERPRISE, ScimPath

CORE = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
PATCH_OP = "urn:ietf:params:scim:api:messages:2.0:PatchOp"

FLAG = "aadOptscim062020"


class Dialect(StrEnum):
    """How Entra writes its requests."""

    WITHOUT_FLAG = f"without {FLAG}"
    WITH_FLAG = f"with {FLAG}"


class ManagerForm(StrEnum):
    """How Entra writes a manager; which one a job uses depends on its age and schema."""

    ARRAY = 'path "manager", an array of one reference'
    OBJECT = "URN path, an object"
    BARE = "URN path, the id as text"


@dataclass(frozen=True)
class Change:
    """One attribute that the application holds differently from what Entra says."""

    path: str
    value: str
    held: str | None  # by the application; None decides for Add instead of Replace


def create_body(values: Mapping[str, str], dialect: Dialect) -> dict[str, Any]:
    """Return the body of POST /Users for mapped values.

    Without the flag it has what applications must put up with: `active` as text, nulls, and an enterprise extension
    that `schemas` does not name.
    """
    with_flag = dialect is Dialect.WITH_FLAG
    body: dict[str, Any] = {
        "schemas": [CORE, ENTERPRISE] if with_flag else [CORE],
        "meta": {"resourceType": "User"},
        "roles": [],
    }
    for mapping in DEFAULT_MAPPING:
        path = mapping.path
        if mapping.target in values:
            path.write(body, _typed(mapping.target, values[mapping.target], dialect))
        elif not with_flag and path.text == path.attribute:
            body[path.attribute] = None
    for email in body.get("emails", ()):
        email["primary"] = True
    return body


def update_body(changes: Sequence[Change], dialect: Dialect) -> dict[str, Any]:
    """Return the body of the PATCH that brings changed attributes over."""
    if dialect is Dialect.WITHOUT_FLAG:
        return _patch([_operation("Add" if c.held is None else "Replace", c.path, c.value) for c in changes])
    # The flag gathers what it can in one value without a path; a path with a filter cannot be a key there.
    gathered = [c for c in changes if c.held is not None and ScimPath.parse(c.path).kind is None]
    if len(gathered) == 1:
        gathered = []
    operations = [
        _operation("add" if c.held is None else "replace", c.path, _typed(c.path, c.value, dialect))
        for c in changes
        if c not in gathered
    ]
    if gathered:
        operations.append({"op": "replace", "value": {c.path: _typed(c.path, c.value, dialect) for c in gathered}})
    return _patch(operations)


def manager_body(manager_id: str | None, form: ManagerForm, dialect: Dialect) -> dict[str, Any]:
    """Return the body of the PATCH that sets a manager, or clears him when there is None."""
    add, replace, remove = (
        ("add", "replace", "remove") if dialect is Dialect.WITH_FLAG else ("Add", "Replace", "Remove")
    )
    match form:
        case ManagerForm.ARRAY if manager_id is None:
            operation: dict[str, Any] = {"op": remove, "path": "manager"}
        case ManagerForm.ARRAY:
            operation = _operation(add, "manager", [{"$ref": f"../Users/{manager_id}", "value": manager_id}])
        case ManagerForm.OBJECT:
            operation = _operation(replace if manager_id is None else add, MANAGER, {"value": manager_id or ""})
        case ManagerForm.BARE:
            operation = _operation(replace if manager_id is None else add, MANAGER, manager_id or "")
    return _patch([operation])


def group_body(display_name: str, object_id: str) -> dict[str, Any]:
    """Return the body of POST /Groups: a group is made without members."""
    return {
        "schemas": [GROUP, "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"],
        "externalId": object_id,
        "displayName": display_name,
        "meta": {"resourceType": "Group"},
    }


def rename_body(display_name: str, dialect: Dialect) -> dict[str, Any]:
    """Return the body of the PATCH that gives a group another name."""
    return _patch([_operation(_verb("Replace", dialect), "displayName", display_name)])


def members_body(members: Sequence[str], dialect: Dialect, *, adds: bool) -> dict[str, Any]:
    """Return the body of the PATCH that adds or removes members.

    Without the flag, a removal is an array of values, which a strict reader would take for all of them.
    """
    if adds or dialect is Dialect.WITHOUT_FLAG:
        value = [{"$ref": None, "value": member} if adds else {"value": member} for member in members]
        return _patch([_operation(_verb("Add" if adds else "Remove", dialect), "members", value)])
    return _patch([{"op": "remove", "path": f'members[value eq "{member}"]'} for member in members])


def _verb(verb: str, dialect: Dialect) -> str:
    return verb.lower() if dialect is Dialect.WITH_FLAG else verb


def _typed(path: str, value: str, dialect: Dialect) -> str | bool:
    return value == "True" if path == ACTIVE and dialect is Dialect.WITH_FLAG else value


def _operation(op: str, path: str, value: object) -> dict[str, Any]:
    return {"op": op, "path": path, "value": value}


def _patch(operations: list[dict[str, Any]]) -> dict[str, Any]:
    return {"schemas": [PATCH_OP], "Operations": operations}
