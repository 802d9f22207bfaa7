"""The child processes of the local machine: started, awaited, and always ended."""

import itertools
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

ROOT = Path(__file__).parent.parent
START_PATIENCE = 90.0  # seconds; a cold import of the app takes five on two cores, a minute beside thirty others
STOP_PATIENCE = 5.0  # seconds from SIGTERM to SIGKILL
POLL_INTERVAL = 0.01  # seconds


class ChildFailedError(RuntimeError):
    """A child ended, or was not ready in time. The message contains the end of its log."""


class Child:
    """One running child. `output` is what it prints, `log` its standard error."""

    def __init__(
        self, name: str, command: Sequence[str], environment: Mapping[str, str], log: Path, folder: Path = ROOT
    ) -> None:
        self.name = name
        self.log = log
        self.output = log.with_suffix(".out")
        with self.output.open("wb") as output, self.log.open("wb") as errors:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,  # the lifeline: see local/lifeline.py
                stdout=output,
                stderr=errors,
                env={**os.environ, **environment},
                cwd=folder,
                start_new_session=True,  # Ctrl-C reaches the parent alone, which then stops its children in order
            )
        self.pid = self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether the process has not ended yet."""
        return self._process.poll() is None

    def wait_until[T](self, ready: Callable[[str], T | None], patience: float = START_PATIENCE) -> T:
        """Return the result of `ready` on the output so far, as soon as it is not None.

        Raises ChildFailedError if the child ends first, or is not ready within this number of seconds.
        """
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            running = self.is_running  # read first, so that the last output of a child that ends is still read
            if (answer := ready(self.output.read_text())) is not None:
                return answer
            if not running:
                break
            time.sleep(POLL_INTERVAL)
        state = "was not ready in time" if self.is_running else f"ended with {self._process.returncode}"
        raise ChildFailedError(f"{self.name} {state}; the end of {self.log}:\n{self.log.read_text()[-2000:]}")

    def stop(self) -> None:
        """End the process: SIGTERM, then SIGKILL if necessary. Does nothing if it has ended."""
        self._process.terminate()
        try:
            self._process.wait(STOP_PATIENCE)
        except subprocess.TimeoutExpired:
            self.kill()
        else:
            self._reap()

    def kill(self) -> None:
        """Kill the process and its own children as a power cut would: SIGKILL, without a chance to clean up."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._reap()

    def send(self, sent: signal.Signals) -> None:
        """Send a signal, such as SIGSTOP and SIGCONT for a process that hangs for a while."""
        self._process.send_signal(sent)

    def _reap(self) -> None:
        self._process.wait()
        if self._process.stdin is not None:
            self._process.stdin.close()


class Processes:
    """Children that live no longer than a `with` block, nor than this process, even if that is killed."""

    def __init__(self, logs: Path) -> None:
        logs.mkdir(parents=True, exist_ok=True)
        self.children: list[Child] = []
        self.logs = logs
        self._numbers = itertools.count(1)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        while self.children:
            self.children.pop().stop()

    def start(
        self, name: str, command: Sequence[str], environment: Mapping[str, str] | None = None, folder: Path = ROOT
    ) -> Child:
        """Start a command that ends when its standard input closes. `environment` is added to this process's own."""
        log = self.logs / f"{next(self._numbers):02}-{name}.log"
        child = Child(name, command, environment or {}, log, folder)
        self.children.append(child)
        return child

    def start_module(
        self, module: str, *arguments: str, environment: Mapping[str, str] | None = None
    ) -> tuple[Child, dict[str, Any]]:
        """Start `python -m module …` and return it with the line of JSON that it prints when it is ready."""
        command = [sys.executable, "-m", "local.lifeline", module, *arguments]
        child = self.start(module.rpartition(".")[2], command, environment)
        return child, child.wait_until(_first_json_line)


def _first_json_line(output: str) -> dict[str, Any] | None:
    for line in output.splitlines(keepends=True):
        if line.startswith("{") and line.endswith("\n"):
            answer: dict[str, Any] = json.loads(line)
            return answer
    return None
