"""What a process does that is killed while it carries out an errand. It is forked from one that has the imports."""

import os
import signal
from dataclasses import dataclass

from local.host.gate import Moment
from shared.app.container import Bridge
from shared.rules.job import Job
from shared.settings import Settings


@dataclass(frozen=True)
class Doomed:
    """What the process knows."""

    settings: dict[str, str]
    message: bytes
    at: tuple[int, Moment]
    """Before or after which of its words about the errand it is killed, the first being 0."""


def carry_out(doomed: Doomed) -> None:
    """Take the message from the queue, and get so far."""
    bridge, said = Bridge(Settings.model_validate(doomed.settings)), 0
    errands = bridge.reconciler.errands
    put = errands.put

    def killed_at(moment: Moment) -> None:
        if doomed.at == (said, moment):
            os.kill(os.getpid(), signal.SIGKILL)

    def told(errand: Job) -> None:
        nonlocal said
        killed_at("before")
        put(errand)
        killed_at("after")
        said += 1

    errands.put = told  # type: ignore[method-assign]  # in this process only, which is about to die
    bridge.run_errand(doomed.message)
