"""Everybody in the tenant once, and from then on only what changed: Graph's delta query over users.

https://learn.microsoft.com/graph/api/user-delta, https://learn.microsoft.com/graph/delta-query-overview

Without ``Prefer: return=minimal``. With it a property comes once, when it changes, and one page lost or taken in the
wrong order leaves it wrong for ever; without it each mention of a person repeats all that is set, so that replays and
disorder heal themselves, for a few hundred bytes a changed person. Even so Graph promises only *at least* what changed,
and was seen to leave properties out, so that what it says is always joined to what was known (UserProperties.onto).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pydantic import ConfigDict, Field

from shared.directory.entra_connection import ObjectId
from shared.entra.answers import Page, Permission, Removal, Removed
from shared.entra.errors import DeltaExpired
from shared.entra.graph_client import GraphClient
from shared.entra.user_properties import UserProperties
from shared.model import Model


class DeltaPosition(Model):
    """Where the next reading goes on. The link holds a token that tells of the tenant: keep it out of logs."""

    model_config = ConfigDict(frozen=True)

    link: str = Field(repr=False)
    select: tuple[str, ...]
    """What was selected when the reading began: Graph keeps it in the token."""
    full: bool
    """Whether the round that goes on here lists everybody, so that who is not in it by its end is not there."""


@dataclass(frozen=True)
class UsersPage:
    """A page. Each person is in it once, as a change or as a removal, whichever Graph said last."""

    changes: tuple[UserProperties, ...]
    removals: tuple[tuple[str, Removal], ...]
    """Object ids, with the reason."""
    position: DeltaPosition
    """To be stored when the page is, never before it."""
    full: bool
    """Whether the round that it belongs to lists everybody."""
    last: bool
    """Whether it ends its round: only now may a full round be taken for complete."""


class _Manager(Model):
    model_config = ConfigDict(extra="ignore")

    id: ObjectId
    removed: Removed | None = Field(default=None, alias="@removed")


class _Item(Model):
    """A user of the delta; what is not named here stands in ``model_extra``."""

    model_config = ConfigDict(extra="allow")

    id: ObjectId
    removed: Removed | None = Field(default=None, alias="@removed")
    managers: list[_Manager] = Field(default=[], alias="manager@delta")


def read_changes(graph: GraphClient, position: DeltaPosition | None, select: Sequence[str]) -> Iterator[UsersPage]:
    """Read page after page until the round ends; each page is asked for when the one before was dealt with.

    ``position``: of the last page that was stored, or None to list everybody. ``select``: see select_of. Raises as
    GraphClient does, DeltaExpired also where something is selected that the position does not follow: then call it
    again with None. Pages may come twice and people several times; what a page says may be stored again.
    """
    full, selected = position is None or position.full, tuple(select)
    if position is None:
        link = graph.url("/users/delta", {"$select": ",".join(selected)})
    else:
        link, selected = position.link, position.select
        if missing := sorted(set(select) - set(selected)):
            raise DeltaExpired(
                f"the mapping needs {', '.join(missing)}, which was not followed: everybody is read again"
            )
    while True:
        page = graph.page(_Item, link, Permission.USERS)
        following, last = page.onward()
        next_position = DeltaPosition(link=following, select=selected, full=full and not last)
        changes, removals = _sorted_out(page, selected)
        yield UsersPage(changes, removals, next_position, full, last)
        if last:
            return
        link = following


def _sorted_out(
    page: Page[_Item], selected: Sequence[str]
) -> tuple[tuple[UserProperties, ...], tuple[tuple[str, Removal], ...]]:
    changes: dict[str, UserProperties] = {}
    removals: dict[str, Removal] = {}
    for item in page.value:
        if item.removed is not None:
            changes.pop(item.id, None)
            removals[item.id] = item.removed.reason
        else:
            removals.pop(item.id, None)
            said = _properties(item, selected)
            changes[item.id] = changes[item.id].then(said) if item.id in changes else said
    return tuple(changes.values()), tuple(removals.items())


def _properties(item: _Item, selected: Sequence[str]) -> UserProperties:
    said = item.model_extra or {}
    return UserProperties(
        id=item.id,
        values={name: said[name] for name in selected if name in said and name != "manager"},
        managers=tuple(manager.id for manager in item.managers if manager.removed is None),
        former_managers=tuple(manager.id for manager in item.managers if manager.removed is not None),
    )
