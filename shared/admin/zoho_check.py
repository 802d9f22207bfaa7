"""Test Connection: whether a store can provision, and where it cannot, why and what to do."""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from shared.rules.store import Store
from shared.zoho.errors import ZohoBusy, ZohoError, ZohoForbidden, ZohoRefused, ZohoUnclear
from shared.zoho.scim_client import ZohoUsers


class Step(StrEnum):
    """What is looked at, in this order."""

    REACHABLE = "Zoho One is reachable"
    TOKEN = "The access token is valid"  # noqa: S105 - words for an admin
    SCOPE = "The scope is sufficient"
    SCIM = "A filtered query is answered as SCIM"


_SYNC_ENDPOINT = (
    "Compare the store's sync endpoint and data center with what Zoho One shows under Directory, Directory Stores."
)
_CURES = {
    Step.REACHABLE: f"{_SYNC_ENDPOINT} If they are the same, test again in a few minutes.",
    Step.TOKEN: "Compare the store's client id and secret with Zoho's API console, then connect the store again.",
    Step.SCOPE: (
        "Connect the store again as Organization Owner or Organization Admin, and accept what Zoho asks for on the "
        "consent page."
    ),
    Step.SCIM: _SYNC_ENDPOINT,
}
_WAIT_CURE = "Zoho asks to wait: test again in a few minutes."


@dataclass(frozen=True)
class StepResult:
    """One step that was taken."""

    step: Step
    seconds: float
    reason: str | None = None
    """Why it failed; None where it passed."""
    cure: str | None = None


@dataclass(frozen=True)
class ZohoReport:
    """The steps that were taken; behind one that failed there is none."""

    steps: tuple[StepResult, ...]

    @property
    def passed(self) -> bool:
        """Whether the last of all steps was taken, and passed."""
        return self.steps[-1].step is Step.SCIM and self.steps[-1].reason is None


class ZohoCheck:
    """Tests a store's connection. It changes nothing in Zoho One."""

    def __init__(self, users: Callable[[Store], ZohoUsers], clock: Callable[[], float] = time.perf_counter) -> None:
        self._users = users
        self._clock = clock

    def quick(self, store: Store) -> str | None:
        """Why Zoho One does not answer or take the token, or None. Two calls at most. Raises TablesBusy."""
        users = self._users(store)
        try:
            _reach(users)
            _authenticate(users)
        except ZohoError as error:
            return str(error)
        return None

    def __call__(self, store: Store) -> ZohoReport:
        """Take the steps until one fails. Raises TablesBusy."""
        users = self._users(store)
        takes = {Step.REACHABLE: _reach, Step.TOKEN: _authenticate, Step.SCOPE: _see, Step.SCIM: _understand}
        taken: list[StepResult] = []
        for step, take in takes.items():
            started = self._clock()
            try:
                take(users)
            except ZohoError as error:
                taken.append(StepResult(step, self._clock() - started, str(error), _cure(step, error)))
                break
            taken.append(StepResult(step, self._clock() - started))
        return ZohoReport(tuple(taken))


def _reach(users: ZohoUsers) -> None:
    users.reach()


def _authenticate(users: ZohoUsers) -> None:
    users.authenticate()


def _see(users: ZohoUsers) -> None:
    """Only whether reading users is permitted; what the answer looks like is the next step's matter."""
    try:
        users.find(_nobody())
    except (ZohoRefused, ZohoUnclear):
        return


def _understand(users: ZohoUsers) -> None:
    try:
        users.find(_nobody())
    except ZohoRefused as refusal:
        raise ZohoUnclear(f"Zoho One does not answer the query: {refusal}") from None


def _nobody() -> str:
    """A userName that nobody has: RFC 2606 reserves the domain."""
    return f"test-connection-{secrets.token_hex(16)}@bridge.invalid"


def _cure(step: Step, error: ZohoError) -> str:
    if isinstance(error, ZohoForbidden):
        return _CURES[Step.SCOPE]
    if isinstance(error, ZohoBusy) and not isinstance(error, ZohoUnclear) and step is not Step.REACHABLE:
        return _WAIT_CURE
    return _CURES[step]
