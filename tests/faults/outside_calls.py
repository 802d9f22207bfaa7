"""Every call that this process makes outside, by its kind; and what may go wrong with one.

The clients of Graph, of Zoho One and of the tables all send through requests' HTTPAdapter: there calls are named, and
there a fault is put in. What happens at the other end is real: a call whose reply is lost has been carried out.
"""

import os
import signal
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from threading import Lock
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter

from local.host.gate import Call
from tests.faults.call_kinds import kind_of

_SEND = HTTPAdapter.send


class Kind(StrEnum):
    """What goes wrong with a call."""

    LOST = "lost reply"
    """Of this call, and of each later one of its kind."""
    KILLED_BEFORE = "killed before"
    KILLED_AFTER = "killed after"

    @property
    def is_kill(self) -> bool:
        """Whether the process dies of it."""
        return self is not Kind.LOST


class CallName(NamedTuple):
    """One call: its kind, and how often that was called before."""

    kind: str
    number: int

    @property
    def gate(self) -> str:
        """Where to."""
        return self.kind.partition(" ")[0]

    def __str__(self) -> str:
        return f"{self.kind} #{self.number}"


@dataclass
class Wire:
    """Sees the calls of this process while it is watched."""

    gates: Mapping[str, str]
    """How the URLs begin that are outside, each with a name."""
    seen: list[str] = field(default_factory=list)
    """The kind of each call."""
    met: bool = False
    """Whether the call was made that should go wrong."""

    @contextmanager
    def watched(self, at: CallName | None = None, kind: Kind | None = None) -> Iterator[None]:
        """See every call, and let this one go wrong. What goes wrong is at this end of the wire only."""
        self.seen, self.met = [], False
        counts, lock = Counter[str](), Lock()

        def send(
            adapter: HTTPAdapter, request: requests.PreparedRequest, *rest: Any, **named: Any
        ) -> requests.Response:
            def carry_out() -> requests.Response:
                return _SEND(adapter, request, *rest, **named)

            if (about := self._kind(request)) is None:
                return carry_out()
            with lock:
                name = CallName(about, counts[about])
                counts[about] += 1
                self.seen.append(about)
            if at is None or kind is None or not _concerns(kind, at, name):
                return carry_out()
            self.met = True
            return _gone_wrong(kind, carry_out)

        HTTPAdapter.send = send  # type: ignore[method-assign, assignment]  # for as long as it is watched
        try:
            yield
        finally:
            HTTPAdapter.send = _SEND  # type: ignore[method-assign]

    def _kind(self, request: requests.PreparedRequest) -> str | None:
        """What a call is about; None for the test's own, for signing in, and for making the tables."""
        url = request.url or ""
        gate = next((name for start, name in self.gates.items() if url.startswith(start)), None)
        path = urlsplit(url).path
        if gate is None or path.startswith("/_") or path.endswith("/Tables"):
            return None
        body = request.body or b""
        said = body.encode() if isinstance(body, str) else bytes(body)
        return kind_of(Call(gate, request.method or "", url, said))


def _concerns(kind: Kind, at: CallName, name: CallName) -> bool:
    if name.kind != at.kind:
        return False
    return name.number == at.number if kind.is_kill else name.number >= at.number


def _gone_wrong(kind: Kind, carry_out: Callable[[], requests.Response]) -> requests.Response:
    match kind:
        case Kind.LOST:
            carry_out()
            raise requests.ReadTimeout("made up")
        case Kind.KILLED_AFTER:
            carry_out()
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError  # nobody is left to raise it
