"""What an administrator does in the simulated Entra, over HTTP: `POST /_people` with a list of actions."""

from collections.abc import Callable
from functools import partial
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, TypeAdapter

from local.entra.directory import EntraDirectory
from local.entra.person import Person


class Action(BaseModel):
    """One action upon a person, or upon a group where ``do`` says so."""

    model_config = ConfigDict(extra="forbid")

    do: Literal[
        "add", "change", "disable", "enable", "soft-delete", "restore", "hard-delete", "assign", "unassign",
        "invite", "put group", "rename group", "hide group",
        "delete group", "assign group", "unassign group", "add member", "remove member",
    ]  # fmt: skip
    id: str = ""
    """Of the person or the group."""
    values: dict[str, Any] = {}
    """Properties by Graph's names, for ``change`` and, all of them, ``add``; for ``invite`` mail and displayName."""
    members: list[str] = []
    """Of the group that is put; or who is added to it, or removed from it."""


ACTIONS = TypeAdapter(list[Action])


def act(directory: EntraDirectory, actions: list[Action]) -> None:
    """Carry them out, one after the other. Raises as EntraDirectory does; those before have been carried out then."""
    for action in actions:
        _act(directory, action)


def _act(directory: EntraDirectory, action: Action) -> None:
    simple: dict[str, Callable[[str], object]] = {
        "disable": directory.disable,
        "enable": directory.enable,
        "soft-delete": directory.soft_delete,
        "restore": directory.restore,
        "hard-delete": directory.hard_delete,
        "assign": directory.assign,
        "unassign": directory.unassign,
        "delete group": directory.groups.delete,
        "hide group": directory.groups.hidden.add,
        "rename group": partial(directory.groups.rename, name=str(action.values.get("displayName"))),
    }
    match action.do:
        case "add":
            directory.create(Person.model_validate(action.values))
        case "invite":
            directory.invite(str(action.values["mail"]), str(action.values["displayName"]))
        case "change":
            directory.change(action.id, action.values)
        case "put group":
            directory.groups.put(action.id, action.members)
        case "add member" | "remove member":
            groups = directory.groups
            for member in action.members:
                (groups.add if action.do == "add member" else groups.remove)(action.id, member)
        case "assign group":
            directory.groups.assigned[action.id] = None
        case "unassign group":
            directory.groups.assigned.pop(action.id, None)
        case _:
            simple[action.do](action.id)
