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

from local.bench.azurite_modes import Mode
from local.bench.figures import GroupCost
from local.bench.load import Request
from local.bench.scene import Counter, Host, Scene
from local.bench.seeding import Seeded
from local.entra_requests import Dialect, group_body, members_body
from local.parts import STORE
from shared.calls import in_parallel
from shared.tables.group_rows import member_rows
from shared.tables.groups import Groups

CHANGED = (1, 100, 500)
"""Members added, and then removed."""
TIMES = 5
"""Each is done so often; what counts is the median."""
MOST_ROWS = 100
THREADS = 4


def measure_groups(
    scene: Scene, host: Host, path: str, seeded: Sequence[Seeded], sizes: Sequence[int]
) -> list[GroupCost]:
    """Each change in a group of each size. Raises RuntimeError where one is not answered as it should be."""
    scene.tables.switch(Mode.BY_KEY)
    counts = [count for count in CHANGED if count <= len(seeded)]
    return [cost for size in sizes for cost in _measure(scene, host, path, seeded, size, counts)]


def _measure(
    scene: Scene, host: Host, path: str, seeded: Sequence[Seeded], size: int, counts: Sequence[int]
) -> list[GroupCost]:
    body = json.dumps(group_body(f"Group of {size}", f"group {size}"))
    group_id = host.send(Request("POST", f"{path}/Groups", body), 201)["id"]
    _fill(scene.identities_table, group_id, size)
    scene.answer_at_once("PATCH", "/Groups/{id}", 204, 2 * (TIMES + 2) * len(counts))
    counter, costs = Counter(), list[GroupCost]()
    with scene.tables_gate(counter) as gate:
        counted = scene.start_host(gate)
        for count in counts:
            ids = [one.id for one in seeded[:count]]
            changes = {
                verb: Request(
                    "PATCH", f"{path}/Groups/{group_id}", json.dumps(members_body(ids, Dialect.WITHOUT_FLAG, adds=adds))
                )
                for verb, adds in (("add", True), ("remove", False))
            }
            taken = {verb: list[float]() for verb in changes}
            for _ in range(TIMES):
                for verb, change in changes.items():
                    started = time.perf_counter()
                    host.send(change, 204)
                    taken[verb].append((time.perf_counter() - started) * 1000)
            for change in changes.values():
                counted.send(change, 204)  # it learns whose accounts those are
            for verb, change in changes.items():
                counter.calls, before = 0, scene.zoho_calls()
                counted.send(change, 204)
                zoho = scene.zoho_calls() - before
                costs.append(GroupCost(size, verb, count, statistics.median(taken[verb]), counter.calls, zoho))
        counted.process.stop()
    return costs


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
