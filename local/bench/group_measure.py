"""What a change of a group's members costs, and that it does not grow with the group.

The members are put into the tables as the app leaves them. The simulated Zoho One is told to answer each PATCH of the
group at once, because it applies one to the whole group in memory, which is not the bridge's time.
"""

import json
import statistics
import time
from collections.abc import Sequence
from uuid import uuid4

from azure.data.tables import TableClient

from local.bench.group_figures import GroupCost, GroupFigures
from local.bench.load import Request
from local.bench.measure import Tell
from local.bench.scene import Counter, Host, Scene, cpu_seconds
from local.entra.people import make_people
from local.entra.requests import Dialect, group_body, members_body
from local.parts import STORE
from shared.calls import in_parallel
from shared.tables.group_rows import member_rows
from shared.tables.groups import Groups
from shared.tables.portions import MOST_ROWS

CHANGED = (1, 100, 500)
"""Members added, and then removed."""
TIMES = 5
"""Each is done so often, after once to warm up."""
THREADS = 4
PATH = f"/scim/{STORE}/Groups"


def measure_groups(scene: Scene, sizes: Sequence[int], tell: Tell) -> GroupFigures:
    """Each change in a group of each size. Raises RuntimeError where one is not answered as it should be."""
    counts, figures = [count for count in CHANGED if count <= min(sizes)], GroupFigures()
    tell(f"putting {max(counts)} people into the store and into Zoho One")
    ids = [one.id for one in scene.seeder.seed(make_people(max(counts)))]
    host = scene.start_host()
    for size in sizes:
        tell(f"a group of {size:,} members")
        body = json.dumps(group_body(f"Group of {size}", f"group {size}"))
        group_id = host.send(Request("POST", PATH, body), 201)["id"]
        _fill(scene.identities_table, group_id, size)
        scene.answer_at_once("PATCH", "/Groups/{id}", 204, 2 * (TIMES + 3) * len(counts))
        figures.costs += _measure(scene, host, group_id, size, [ids[:count] for count in counts])
    host.process.stop()
    return figures


def _measure(scene: Scene, host: Host, group_id: str, size: int, named: Sequence[Sequence[str]]) -> list[GroupCost]:
    counter, costs = Counter(), list[GroupCost]()
    with scene.tables_gate(counter) as gate:
        counted = scene.start_host(gate)
        for ids in named:
            changes = {verb: _change(group_id, ids, adds=verb == "add") for verb in ("add", "remove")}
            taken = {verb: _Taken() for verb in changes}
            for turn in range(TIMES + 1):
                for verb, change in changes.items():
                    taken[verb].time(scene, host, change, warm=turn > 0)
            for change in changes.values():
                counted.send(change, 204)  # it learns whose accounts those are
            for verb, change in changes.items():
                counter.calls, before = 0, scene.zoho_calls()
                counted.send(change, 204)
                costs.append(taken[verb].cost(size, verb, len(ids), counter.calls, scene.zoho_calls() - before))
        counted.process.stop()
    return costs


class _Taken:
    """What one change took, each time."""

    def __init__(self) -> None:
        self._ms, self._host, self._azurite = list[float](), 0.0, 0.0

    def time(self, scene: Scene, host: Host, change: Request, *, warm: bool) -> None:
        """Send it; the first time does not count."""
        azurite = scene.tables.azurite.process
        before, started = (cpu_seconds(host.process), cpu_seconds(azurite)), time.perf_counter()
        host.send(change, 204)
        if warm:
            self._ms.append((time.perf_counter() - started) * 1000)
            self._host += cpu_seconds(host.process) - before[0]
            self._azurite += cpu_seconds(azurite) - before[1]

    def cost(self, size: int, verb: str, count: int, table_calls: int, zoho_calls: int) -> GroupCost:
        """Of one time."""
        host, azurite = (seconds * 1000 / TIMES for seconds in (self._host, self._azurite))
        return GroupCost(size, verb, count, statistics.median(self._ms), host, azurite, table_calls, zoho_calls)


def _change(group_id: str, ids: Sequence[str], *, adds: bool) -> Request:
    return Request("PATCH", f"{PATH}/{group_id}", json.dumps(members_body(ids, Dialect.WITHOUT_FLAG, adds=adds)))


def _fill(table: TableClient, group_id: str, size: int) -> None:
    """Give a group so many members, as the app would have left them."""
    groups = Groups(table)
    stored = groups.read(STORE, group_id)
    assert stored is not None  # it has just been made
    groups.write(STORE, stored, stored.group.model_copy(update={"size": size}))
    rows = list(member_rows(group_id, (uuid4().hex for _ in range(size))).items())

    def put(start: int) -> None:
        some = rows[start : start + MOST_ROWS]
        table.submit_transaction([("create", {"PartitionKey": STORE, "RowKey": key} | row) for key, row in some])

    in_parallel(put, range(0, len(rows), MOST_ROWS), THREADS)
