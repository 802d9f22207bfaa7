"""Single people by their ids: those that the delta query reported incompletely, or who are provisioned on demand.

https://learn.microsoft.com/graph/api/user-get
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import batched
from urllib.parse import urlencode

from pydantic import TypeAdapter, ValidationError

from shared.entra.answers import Entry, object_id, of_users
from shared.entra.errors import GraphError, GraphNotFound, GraphRefused
from shared.entra.graph_client import BATCH, GraphClient
from shared.entra.user_properties import UserProperties
from shared.model import HIDDEN

_ENTRY = TypeAdapter[Entry](Entry, config=HIDDEN)


def read_users(
    graph: GraphClient, ids: Iterable[str], select: Sequence[str]
) -> Iterator[tuple[str, UserProperties | None]]:
    """Return each of these people, twenty in a call; None for one who does not exist or is in the recycle bin.

    ``select``: see select_of. What it leaves out is unset, manager included. A refused or unreadable answer concerns
    that person alone: it becomes properties of which nothing is readable. Raises as GraphClient does.
    """
    query = urlencode({"$select": ",".join(name for name in select if name != "manager")}, safe="$,")
    if "manager" in select:
        query += "&$expand=manager($select=id)"
    for twenty in batched(ids, BATCH, strict=False):
        answers = graph.batch([f"/users/{each}?{query}" for each in twenty], of_users(select))
        for asked, answer in zip(twenty, answers, strict=True):
            yield asked, _person(asked, answer, select)


def _person(asked: str, answer: bytes | GraphError, select: Sequence[str]) -> UserProperties | None:
    unclear = UserProperties(asked, {}, misread=("user",))
    match answer:
        case GraphNotFound():
            return None
        case GraphRefused():
            return unclear
        case GraphError():
            raise answer
    try:
        said = _ENTRY.validate_json(answer)
    except ValidationError:
        return unclear
    if object_id(said.get("id")) != asked.lower():
        return unclear
    values = {name: said.get(name) for name in select if name != "manager"}
    if "manager" not in select:
        return UserProperties(asked, values)
    told = said.get("manager")
    manager = object_id(told.get("id")) if isinstance(told, dict) else None
    if told is not None and manager is None:
        return UserProperties(asked, values, misread=("manager",))
    return UserProperties(asked, values | {"manager": manager})
