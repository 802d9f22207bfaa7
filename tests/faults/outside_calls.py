"""Every call that the bridge makes outside, by a name that is the same in each run; and what may go wrong with one.

The clients of Graph, of Zoho One and of the tables all send through requests' HTTPAdapter: there calls are named, and
there a fault is put in. What happens at the other end is real: a call whose reply is lost has been carried out.
"""

import json
import os
import re
import signal
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from io import BytesIO
from threading import Lock
from typing import Any
from urllib.parse import unquote, urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPResponse

_RANGE = re.compile(r"RowKey[ +]ge[ +]'([^']*)")
_FIRST_ROW = re.compile(r"""RowKey(?:='|": ?")([^'"]*)""")
_NEW = re.compile(r"(?<=:)\d{17}\b(-[0-9a-f]+)?|(?<=/Users/)[0-9a-f]{32}")
"""What is another in each run: times with the tokens behind them, and the ids of new accounts."""
_SEND = HTTPAdapter.send


class Kind(StrEnum):
    """What goes wrong with a call; unless it is once, with each repetition of the call too."""

    ERROR = "error"
    ERROR_ONCE = "error once"
    TIME_OUT = "time-out"
    LOST = "lost reply"
    LOST_ONCE = "lost reply once"
    KILLED_BEFORE = "killed before"
    KILLED_AFTER = "killed after"

    @property
    def is_once(self) -> bool:
        """Whether a repetition goes through."""
        return self in (Kind.ERROR_ONCE, Kind.LOST_ONCE)

    @property
    def is_kill(self) -> bool:
        """Whether the process dies of it."""
        return self in (Kind.KILLED_BEFORE, Kind.KILLED_AFTER)


@dataclass(frozen=True, order=True)
class CallName:
    """One call of a cycle: where to, what for, and how often that was asked before."""

    gate: str
    what: str
    number: int

    def __str__(self) -> str:
        return f"{self.gate} {self.what} #{self.number}"


@dataclass
class Wire:
    """Sees the calls of this process while it is watched."""

    gates: Mapping[str, str]
    """How the URLs begin that are outside, each with a name."""
    names: Mapping[str, str]
    """Ids that are others in each run, and the same within it, with what they are called instead."""
    seen: list[CallName] = field(default_factory=list)
    met: bool = False
    """Whether the call was made that should go wrong."""

    @contextmanager
    def watched(self, at: CallName | None = None, kind: Kind | None = None) -> Iterator[None]:
        """See every call, and let this one go wrong. What goes wrong is at this end of the wire only."""
        self.seen, self.met = [], False
        counts, lock = Counter[tuple[str, str]](), Lock()

        def send(
            adapter: HTTPAdapter, request: requests.PreparedRequest, *rest: Any, **named: Any
        ) -> requests.Response:
            def carry_out() -> requests.Response:
                return _SEND(adapter, request, *rest, **named)

            if (about := self._about(request)) is None:
                return carry_out()
            with lock:
                name = CallName(*about, counts[about])
                counts[about] += 1
                self.seen.append(name)
            if at is None or kind is None or not _concerns(kind, at, name):
                return carry_out()
            self.met = True
            return _gone_wrong(kind, request, carry_out)

        HTTPAdapter.send = send  # type: ignore[method-assign, assignment]  # for as long as it is watched
        try:
            yield
        finally:
            HTTPAdapter.send = _SEND  # type: ignore[method-assign]

    def _about(self, request: requests.PreparedRequest) -> tuple[str, str] | None:
        """The gate of a call and what it is for; None for the test's own, for signing in, and for making the tables."""
        url = unquote(request.url or "")
        gate = next((name for start, name in self.gates.items() if url.startswith(start)), None)
        path = urlsplit(url).path
        if gate is None or path.startswith("/_") or path.endswith("/Tables"):
            return None
        body = request.body or ""
        text = body.decode(errors="replace") if isinstance(body, bytes) else body
        about = self._of_tables(path, url, text) if gate == "tables" else path + _of_api(gate, path, text)
        for value, name in self.names.items():
            about = about.replace(value, name)
        return gate, f"{request.method} {_NEW.sub('…', about)}"

    def _of_tables(self, path: str, url: str, body: str) -> str:
        """A row, a range, or the first row of a transaction, which tells whose it is."""
        name = path.partition("/devstoreaccount1/")[2]
        if name == "$batch" and (match := _FIRST_ROW.search(unquote(body))):
            return f"{name} {match[1]}"
        return f"{name} {match[1]}" if (match := _RANGE.search(url)) else name


def _of_api(gate: str, path: str, body: str) -> str:
    """What tells calls apart that have the same path."""
    if path.endswith("/$batch"):
        first: str = json.loads(body)["requests"][0]["url"]
        return " " + first.partition("?")[0]
    if gate == "zoho" and body and path.endswith("/Users"):
        return f" {json.loads(body)['userName']}"
    return ""


def _concerns(kind: Kind, at: CallName, name: CallName) -> bool:
    if (name.gate, name.what) != (at.gate, at.what):
        return False
    return name.number == at.number if kind.is_once else name.number >= at.number


def _gone_wrong(
    kind: Kind, request: requests.PreparedRequest, carry_out: Callable[[], requests.Response]
) -> requests.Response:
    match kind:
        case Kind.ERROR | Kind.ERROR_ONCE:
            raw = HTTPResponse(BytesIO(), {"Retry-After": "1"}, 503, preload_content=False)
            return HTTPAdapter().build_response(request, raw)
        case Kind.TIME_OUT:
            raise requests.ConnectTimeout("made up")
        case Kind.LOST | Kind.LOST_ONCE:
            carry_out()
            raise requests.ReadTimeout("made up")
        case Kind.KILLED_AFTER:
            carry_out()
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError  # nobody is left to raise it
