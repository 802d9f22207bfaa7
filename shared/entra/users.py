"""Single people by their ids: those of whom the delta query said too little, or who are provisioned on demand.

https://learn.microsoft.com/graph/api/user-get
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import batched
from urllib.parse import urlencode

from pydantic import ConfigDict

from shared.directory.entra_connection import ObjectId
from shared.entra.answers import Permission, understood
from shared.entra.errors import GraphError, GraphNotFound, GraphUnclear
from shared.entra.graph_client import BATCH, GraphClient
from shared.entra.user_properties import UserProperties
from shared.model import Model


class _Manager(Model):
    model_config = ConfigDict(extra="ignore")

    id: ObjectId


class _User(Model):
    """A user; what is not named here stands in ``model_extra``."""

    model_config = ConfigDict(extra="allow")

    id: ObjectId
    manager: _Manager | None = None


def read_users(
    graph: GraphClient, ids: Iterable[str], select: Sequence[str]
) -> Iterator[tuple[str, UserProperties | None]]:
    """Each of these people, twenty in a call; None for one who is not there, or lies in the recycle bin.

    ``select``: see select_of. What it leaves out is unset, manager included. Raises as GraphClient does.
    """
    query = urlencode({"$select": ",".join(name for name in select if name != "manager")}, safe="$,")
    if "manager" in select:
        query += "&$expand=manager($select=id)"
    for twenty in batched(ids, BATCH, strict=False):
        answers = graph.batch([f"/users/{each}?{query}" for each in twenty], Permission.USERS)
        for asked, answer in zip(twenty, answers, strict=True):
            yield asked, _person(asked, answer, select)


def _person(asked: str, answer: bytes | GraphError, select: Sequence[str]) -> UserProperties | None:
    if isinstance(answer, GraphNotFound):
        return None
    if isinstance(answer, GraphError):
        raise answer
    user = understood(_User, answer)
    if user.id != asked:
        raise GraphUnclear("Microsoft Graph answered with another person than was asked for")
    said = user.model_extra or {}
    values = {name: said.get(name) for name in select if name != "manager"}
    if "manager" in select:
        values["manager"] = user.manager.id if user.manager else None
    return UserProperties(user.id, values)
