"""The calls of a probe: each answer as it is, whatever it says, with a note that holds no value of it."""

import time
from dataclasses import dataclass, field
from typing import Any

import requests

from shared.rules.scim_path import Resource
from shared.rules.zoho_probe import Asked
from shared.zoho.error_answers import is_error, meaning_of, wait_of
from shared.zoho.scim_calls import ScimCalls

PROBE_SECONDS = 150.0
"""Seconds for a whole probe: less than an answer to a browser may take."""
TRIES = 4
MOST_WAIT = 5.0
"""Seconds that a probe waits when it is asked to, each time."""


@dataclass(frozen=True)
class ProbeAnswer:
    """An answer."""

    response: requests.Response
    means: int

    @property
    def is_success(self) -> bool:
        """Whether it says that what was asked for was done."""
        return 200 <= self.means < 300 and not is_error(self.object)

    @property
    def object(self) -> dict[str, Any]:
        """Its JSON object, or an empty one."""
        try:
            found = self.response.json()
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    @property
    def lowered(self) -> dict[str, Any]:
        """The same, with the names of its attributes in lower case."""
        found: dict[str, Any] = lowered(self.object)
        return found

    @property
    def is_empty(self) -> bool:
        """Whether it has no content."""
        return not self.response.content.strip()


@dataclass
class Notes:
    """What a probe asked, and whether it was asked to wait."""

    asked: list[Asked] = field(default_factory=list)
    throttled: bool = False
    retry_after: bool = False


class ProbeCalls(ScimCalls):
    """Raises ZohoBusy where there is no answer, and ZohoCredentials where there is no token."""

    def ask(
        self, notes: Notes, what: str, method: str, path: str, body: Resource | None = None, **query: str
    ) -> ProbeAnswer:
        """Make one call, again where Zoho One asks to wait. ``what``: what the note says of it."""
        self._ensure_may_write(method)
        for attempt in range(1, TRIES + 1):
            started = time.monotonic()
            response = self._authorized(method, path, body, query or None)
            means = meaning_of(response)
            kind = "none" if not response.content.strip() else "JSON" if _is_json(response) else "other"
            taken = round((time.monotonic() - started) * 1000)
            notes.asked.append(
                Asked.model_validate(
                    {"what": what, "status": response.status_code, "means": means, "body": kind, "milliseconds": taken}
                )
            )
            if means != 429 or attempt == TRIES:
                break
            notes.throttled = True
            notes.retry_after = notes.retry_after or "Retry-After" in response.headers
            self._sleep(min(wait_of(response, means), MOST_WAIT))
        return ProbeAnswer(response, means)


def lowered(said: Any) -> Any:
    """Return JSON with the names of its attributes in lower case."""
    if isinstance(said, dict):
        return {name.lower(): lowered(value) for name, value in said.items()}
    return [lowered(one) for one in said] if isinstance(said, list) else said


def _is_json(response: requests.Response) -> bool:
    try:
        response.json()
    except ValueError:
        return False
    return True
