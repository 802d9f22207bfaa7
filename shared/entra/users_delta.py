"""Everybody in the tenant once, and then only changes: Graph's delta query over users.

https://learn.microsoft.com/graph/api/user-delta, https://learn.microsoft.com/graph/delta-query-overview

It is used without ``Prefer: return=minimal``. With that header a property comes once, when it changes, so one page lost
or taken in the wrong order leaves it wrong for good. Without it each mention of a person repeats all set properties, so
replays and disorder heal themselves, for a few hundred bytes per changed person. Even so Graph promises only *at least*
the changes, and was seen to leave properties out, so an answer is always joined to what is known (UserProperties.onto).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pydantic import ConfigDict, Field

from shared.entra.answers import NOT_UNDERSTOOD, Entry, Removal, is_removed, of_users, reason_of, with_ids
from shared.entra.errors import GraphUnclear, LinkExpired
from shared.entra.graph_client import GraphClient
from shared.entra.user_properties import UserProperties
from shared.model import Model


class DeltaPosition(Model):
    """Where the next reading goes on. The link holds a token with information about the tenant: keep it out of logs."""

    model_config = ConfigDict(frozen=True)

    link: str = Field(repr=False)
    select: tuple[str, ...]
    """Properties selected when the reading began: Graph keeps them in the token."""
    full: bool
    """Whether the current round lists everybody, so that a person missing at its end does not exist."""


@dataclass(frozen=True)
class UsersPage:
    """A page. Each person is in it once, as a change or as a removal, whichever Graph said last."""

    changes: tuple[UserProperties, ...]
    removals: tuple[tuple[str, Removal], ...]
    """Object ids, with the reason."""
    unclear: tuple[str, ...]
    """Object ids of people who seem to be removed, in a way that is not understood: to be read by their ids."""
    nameless: int
    """Number of entries without an object id. Only a full round has any."""
    position: DeltaPosition
    """Position to store after the page, never before it."""
    full: bool
    """Whether its round lists everybody."""
    last: bool
    """Whether it ends its round: only then is a full round complete."""


def read_changes(graph: GraphClient, position: DeltaPosition | None, select: Sequence[str]) -> Iterator[UsersPage]:
    """Read page after page until the round ends; each page is requested once the caller has handled the one before.

    ``position``: of the last stored page, or None to list everybody. ``select``: see select_of. Raises as GraphClient
    does, and LinkExpired also where something is selected that the position does not follow, or where a change concerns
    somebody without an id: then call it again with None. Pages may come twice and people several times; a page may be
    stored again. An entry that is not understood concerns that person alone.
    """
    full, selected = position is None or position.full, tuple(select)
    followed = position is not None
    if position is None:
        link = graph.url("/users/delta", {"$select": ",".join(selected)})
    else:
        link, selected = position.link, position.select
        if missing := sorted(set(select) - set(selected)):
            raise LinkExpired(
                f"the mapping needs {', '.join(missing)}, which was not followed: everybody is read again"
            )
    while True:
        page = graph.page(object, link, of_users(selected), is_link=followed)
        following, last = page.onward()
        next_position = DeltaPosition(link=following, select=selected, full=full and not last)
        named = with_ids(page.value)
        nameless = len(page.value) - len(named)
        if nameless and not full:
            raise LinkExpired("Microsoft Graph told a change of a person without an id: everybody is read again")
        if nameless and not named:
            raise GraphUnclear(NOT_UNDERSTOOD)  # this is another kind of answer
        yield UsersPage(*_sorted_out(named, selected), nameless, next_position, full, last)
        if last:
            return
        link, followed = following, True


def _sorted_out(
    entries: Sequence[tuple[str, Entry]], selected: Sequence[str]
) -> tuple[tuple[UserProperties, ...], tuple[tuple[str, Removal], ...], tuple[str, ...]]:
    changes: dict[str, UserProperties] = {}
    removals: dict[str, Removal | None] = {}
    for object_id, entry in entries:
        if is_removed(entry):
            changes.pop(object_id, None)
            removals[object_id] = reason_of(entry)
        else:
            removals.pop(object_id, None)
            said = _properties(object_id, entry, selected)
            changes[object_id] = changes[object_id].then(said) if object_id in changes else said
    clear = tuple((each, reason) for each, reason in removals.items() if reason is not None)
    return tuple(changes.values()), clear, tuple(each for each, reason in removals.items() if reason is None)


def _properties(object_id: str, entry: Entry, selected: Sequence[str]) -> UserProperties:
    told = entry.get("manager@delta") or []
    managers = with_ids(told) if isinstance(told, list) else []
    clear = [(manager, relation) for manager, relation in managers if not is_removed(relation) or reason_of(relation)]
    odd = not isinstance(told, list) or len(clear) < len(told)
    return UserProperties(
        id=object_id,
        values={name: entry[name] for name in selected if name in entry and name not in ("id", "manager")},
        managers=tuple(manager for manager, relation in clear if not is_removed(relation)),
        former_managers=tuple(manager for manager, relation in clear if is_removed(relation)),
        misread=("manager",) if odd else (),
    )
