"""The Python worker as a process of its own, as in Azure: when it dies, the host starts another; the third death in one
host's life ends the host.

`python -m local.host.worker_process FD FOLDER` is the worker. It ends when its host does, however that comes about: the
connection to it breaks, and on Linux the kernel kills it in the same moment.
"""

import asyncio
import ctypes
import logging
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from local.host.worker import AppFailedError, Function, FunctionFailedError, Outcome, invoke, load_app
from local.host.worker_messages import TypedData
from local.processes import ROOT
from local.serving import log_to_stderr

MOST_CRASHES = 3
"""In one host's life."""
PR_SET_PDEATHSIG = 1
"""https://man7.org/linux/man-pages/man2/PR_SET_PDEATHSIG.2const.html"""

logger = logging.getLogger(__name__)


class WorkerProcess:
    """The host's end: one worker at a time, replaced when it dies."""

    def __init__(self, folder: Path, give_up: Callable[[], None]) -> None:
        """``give_up``: what the third crash leads to."""
        self._folder, self._give_up = folder, give_up
        self._crashes = 0
        self._numbers = 0
        self._asked: dict[int, asyncio.Future[Any]] = {}
        self._ended = False

    async def start(self) -> list[Function]:
        """Start a worker and return the functions that it found. Raises AppFailedError."""
        self._loop = asyncio.get_running_loop()
        self._ready: asyncio.Future[list[Function]] = self._loop.create_future()
        ours, theirs = multiprocessing.Pipe()
        command = [sys.executable, "-m", "local.host.worker_process", str(theirs.fileno()), str(self._folder)]
        self._process = subprocess.Popen(
            command, cwd=ROOT, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, stdout=sys.stderr
        )
        theirs.close()
        self._connection = ours
        threading.Thread(target=self._read, args=(ours, self._process), name="worker", daemon=True).start()
        return await asyncio.shield(self._ready)

    async def invoke(
        self, function: Function, data: TypedData, metadata: Mapping[str, TypedData] | None = None
    ) -> Outcome:
        """Run a function in the worker. Raises FunctionFailedError, also where the worker dies meanwhile."""
        await asyncio.shield(self._ready)
        self._numbers += 1
        number, answer = self._numbers, self._loop.create_future()
        self._asked[number] = answer
        try:
            self._connection.send((number, function, data, dict(metadata or {})))
            outcome: Outcome = await answer
        except OSError:
            raise FunctionFailedError(function.name) from None
        finally:
            self._asked.pop(number, None)
        return outcome

    def end(self) -> None:
        """Kill the worker, with whatever it does."""
        self._ended = True
        self._process.kill()

    def _read(self, connection: Connection, process: subprocess.Popen[bytes]) -> None:
        """In a thread of its own."""
        with suppress(EOFError, OSError):
            while True:
                self._loop.call_soon_threadsafe(self._take, connection.recv())
        process.wait()
        with suppress(RuntimeError):  # the host has ended, too
            self._loop.call_soon_threadsafe(self._crashed)

    def _take(self, message: Any) -> None:
        match message:
            case ("functions", functions):
                self._ready.set_result(functions)
            case ("unusable", reason):
                self._ended = True
                self._ready.set_exception(AppFailedError(reason))
            case (number, Outcome() as outcome):
                if (answer := self._asked.get(number)) is not None and not answer.done():
                    answer.set_result(outcome)
            case (number, str() as name):
                self._fail(number, name)

    def _fail(self, number: int, name: str) -> None:
        if (answer := self._asked.get(number)) is not None and not answer.done():
            answer.set_exception(FunctionFailedError(name))

    def _crashed(self) -> None:
        if self._ended:
            return
        self._crashes += 1
        logger.error("the worker ended with %s, the %d. in this host's life", self._process.returncode, self._crashes)
        for number in list(self._asked):
            self._fail(number, "the worker ended")
        if self._crashes >= MOST_CRASHES:
            self._give_up()
            return
        self._restart = self._loop.create_task(self.start())


def _serve(connection: Connection, folder: Path) -> None:
    """The worker's end, for as long as the host lives."""
    lock = threading.Lock()

    def send(message: Any) -> None:
        with lock:
            connection.send(message)

    async def work() -> None:
        try:
            send(("functions", await load_app(folder)))
        except AppFailedError as error:
            send(("unusable", str(error)))
        loop = asyncio.get_running_loop()
        threading.Thread(target=read, args=(loop,), name="host", daemon=True).start()
        await loop.create_future()

    def read(loop: asyncio.AbstractEventLoop) -> None:
        with suppress(EOFError, OSError):
            while True:
                asyncio.run_coroutine_threadsafe(run(*connection.recv()), loop)
        os._exit(1)  # nobody is left to work for

    async def run(number: int, function: Function, data: TypedData, metadata: Mapping[str, TypedData]) -> None:
        try:
            send((number, await invoke(function, data, metadata)))
        except FunctionFailedError as error:
            send((number, str(error)))

    asyncio.run(work())


def main() -> None:
    """Be a worker."""
    parent = os.getppid()
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the host's
    log_to_stderr()
    if os.getppid() == parent:
        _serve(Connection(int(sys.argv[1])), Path(sys.argv[2]))


if __name__ == "__main__":
    main()
