"""What a process does that is killed in the middle of a cycle. Each is forked from one that has the imports."""

from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter

from shared.app.container import Bridge
from shared.settings import Settings
from shared.sync.cycle_note import CycleRequest
from tests.faults.outside_calls import CallName, Kind, Wire

CALLS = TypeAdapter(list[str])


@dataclass(frozen=True)
class Doomed:
    """What the process knows."""

    settings: dict[str, str]
    store: str
    wire: Wire
    at: CallName | None
    kind: Kind | None
    calls: Path
    """Where it writes what it called, if it lives to its end."""


def cycle(doomed: Doomed) -> None:
    """Run a cycle, cold as after a start of the host."""
    with doomed.wire.watched(doomed.at, doomed.kind):
        bridge = Bridge(Settings.model_validate(doomed.settings))
        bridge.cycles.run(CycleRequest(store=doomed.store, asked_by="test"))
    doomed.calls.write_bytes(CALLS.dump_json(doomed.wire.seen))
