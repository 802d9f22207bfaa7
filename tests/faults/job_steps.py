"""What a process does that is killed while it carries out a job. It is forked from one that has the imports."""

from dataclasses import dataclass

from shared.app.container import Bridge
from shared.settings import Settings
from tests.faults.outside_calls import CallName, Kind, Wire


@dataclass(frozen=True)
class Doomed:
    """What the process knows."""

    settings: dict[str, str]
    message: bytes
    wire: Wire
    at: CallName
    kind: Kind


def carry_out(doomed: Doomed) -> None:
    """Take the message from the queue, and get so far."""
    with doomed.wire.watched(doomed.at, doomed.kind):
        Bridge(Settings.model_validate(doomed.settings)).run_job(doomed.message)
