"""The kinds of work that a fault cuts off: how each begins, and how one sees that it went on and is done."""

import threading
import time
from abc import ABC, abstractmethod

import requests

from shared.admin.jobs import JobRequest
from shared.rules.history import EventKind
from shared.rules.job import Job, JobState, MakePlan, ProvisionPeople, Task
from shared.rules.run import RunKind, RunState
from shared.tables.claims import Lookup
from tests.conftest import Endpoint
from tests.host.recovery.parts import Parts, reads_entra, until
from tests.mail.mailing import notifying, received
from tests.sync.grouped import Grouped

SLOW = 1.5
"""Seconds that a call takes which a fault is to meet."""
BEGINS_WITHIN = 60.0
TITLE = "Moved"
MEMBERS = tuple(f"member{number}" for number in range(5))


class Work(ABC):
    """One kind of work in a store of its own."""

    name: str
    what: str
    """For the table."""
    reads_entra = False

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self.directory = parts.directories[self.name]
        self.calls_before = 0

    def prepare(self) -> None:
        """Before the host starts: a cycle has run, so that the next is due in forty minutes."""
        if self.reads_entra:
            reads_entra(self.parts, self.name)
        self._cycle()

    @abstractmethod
    def begin(self) -> None:
        """Begin, and return once it is in the middle."""

    def struck(self) -> None:
        """The fault has come; an outage is over."""
        self.calls_before = self.directory.calls()

    def strike(self, *, kills: bool) -> None:
        """The fault comes now: from here on nothing is slow. ``kills``: nobody will hear the answers under way."""
        self.directory.zoho_one.forget_faults()

    def gone_on(self) -> bool:
        """Whether it went on: Zoho One was called for it."""
        return self.directory.calls() > self.calls_before

    @abstractmethod
    def done(self) -> bool:
        """Whether all of it is done."""

    @property
    def told(self) -> str | None:
        """What whoever asked for it was told instead: it is not gone on with."""
        return None

    @abstractmethod
    def check(self) -> None:
        """Nothing is lost, doubled, or taken for somebody's hand."""

    def _cycle(self) -> None:
        asked = self.parts.bridge.cycles.ask(self.parts.store(self.name), RunKind.CYCLE, "test")
        assert self.parts.bridge.cycles.run(asked).run.state is RunState.DONE

    def _slow(self, method: str, path: str, times: int, seconds: float = SLOW) -> None:
        self.directory.zoho_one.fail(method=method, path=path, latency=seconds, times=times)

    def _one_account_each(self) -> None:
        users = self.directory.zoho_one.users()
        names = [user["userName"] for user in users]
        assert len(set(names)) == len(names), f"{self.name}: somebody was made twice"
        for stored in self.parts.bridge.identities.everybody(self.directory.store_id):
            history = self.parts.bridge.identities.history(self.directory.store_id, stored.identity.id)
            assert sum(event.kind is EventKind.CREATED for event in history) <= 1, f"{self.name}: created twice"
            account = stored.identity.account
            assert account is None or account.deactivated_by is None, f"{self.name}: taken for somebody's hand"


class CycleWork(Work):
    """A cycle with a change for everybody."""

    name, what, reads_entra = "cycle", "cycle", True

    def begin(self) -> None:
        self._slow("PATCH", "/Users/{id}", 100)
        store, bridge = self.parts.store(self.name), self.parts.bridge
        bridge.stores.put(store.model_copy(update={"zoho": store.zoho.model_copy(update={"parallel_calls": 1})}))
        asked = bridge.cycles.ask(store, RunKind.CYCLE, "test")
        self.parts.send("cycles", asked.model_dump_json())
        until(lambda: len(self._moved()) >= 2, BEGINS_WITHIN, "the cycle changes accounts")

    def done(self) -> bool:
        (newest, *_) = self.parts.bridge.runs.newest(self.directory.store_id)
        there = [user for user in self.directory.zoho_one.users() if user["active"]]
        return newest.state is RunState.DONE and len(self._moved()) == len(there)

    def check(self) -> None:
        self._one_account_each()
        runs = self.parts.bridge.runs.newest(self.directory.store_id)
        assert all(run.ended for run in runs), "a run seems to run still"

    def _moved(self) -> list[str]:
        return [user["userName"] for user in self.directory.zoho_one.users() if user.get("title") == TITLE]


class JobWork(Work):
    """A job of the console."""

    reads_entra = True
    task: Task

    def _begin(self, task: Task) -> None:
        bridge = self.parts.bridge
        self.job = bridge.job_runner.ask(self.parts.store(self.name), task, "test")
        self.parts.send("errands", JobRequest(store=self.job.store, errand=self.job.id).model_dump_json())
        until(lambda: self._now().state is JobState.RUNNING, BEGINS_WITHIN, "the job runs")

    def strike(self, *, kills: bool) -> None:
        super().strike(kills=kills)
        assert self._now().state is JobState.RUNNING, f"{self.name} ended before the fault"

    def gone_on(self) -> bool:
        return self._now().attempts > 1 or not self._now().is_open

    def done(self) -> bool:
        return not self._now().is_open

    @property
    def told(self) -> str | None:
        """A job whose other end is away fails at once, and says so on its page."""
        job = self._now()
        if job.state is not JobState.FAILED:
            return None
        return job.failure or " ".join(report.steps[-1].told for report in job.reports if report.steps)

    def _now(self) -> Job:
        found = self.parts.bridge.jobs.get(self.job.store, self.job.id)
        assert found is not None
        return found


class PlanWork(JobWork):
    """The page's plan."""

    name, what = "plan", "plan job"

    def begin(self) -> None:
        self.parts.entra.set(latency=2 * SLOW)
        self._begin(MakePlan())

    def strike(self, *, kills: bool) -> None:
        super().strike(kills=kills)
        self.parts.entra.set(latency=0)

    def check(self) -> None:
        plan = self._now().plan
        assert (plan is not None and plan.changes > 0) or self.told


class OnDemandWork(JobWork):
    """Provisioning five people on demand."""

    name, what = "demand", "provision on demand"

    def begin(self) -> None:
        self._slow("PATCH", "/Users/{id}", 100, 2 * SLOW)
        people = self.parts.entra.control.get(f"{self.parts.entra.ready['url']}/_state", timeout=5).json()["users"]
        chosen = [person["id"] for person in people if person["accountEnabled"] and person["assigned"]][:5]
        before = self.directory.calls()
        self._begin(ProvisionPeople(object_ids=tuple(chosen)))
        until(lambda: "PATCH /Users/{id}" in self.directory.zoho_one.calls(), BEGINS_WITHIN, "on demand changes people")
        assert self.directory.calls() > before

    def check(self) -> None:
        self._one_account_each()
        moved = [user for user in self.directory.zoho_one.users() if user.get("title") == TITLE]
        assert len(moved) == 5 or self.told


class Pushed(Work):
    """Work that a request of Entra's begins."""

    def _request(self, method: str, path: str, body: object) -> None:
        """Sent once; its answer, or that there is none, is nobody's concern."""

        def send() -> None:
            try:
                self.parts.endpoint(self.name).request(method, path, json=body)
            except requests.RequestException:
                return

        threading.Thread(target=send, daemon=True).start()


class GroupWork(Pushed):
    """Members that Entra pushed, while nobody repeats the request."""

    name, what = "group", "group pushed, not repeated"

    def begin(self) -> None:
        grouped = Grouped(self.parts.endpoint(self.name), self.directory.zoho_one)
        grouped.people(*MEMBERS)
        grouped.group("Sales", MEMBERS[0])
        self._slow("PATCH", "/Groups/{id}", 1, 8)
        before = self.directory.zoho_one.calls().get("PATCH /Groups/{id}", 0)
        operation = grouped.operation("Add", *MEMBERS[1:])
        self._request("PATCH", f"/Groups/{grouped.ids['Sales']}", {"schemas": [_PATCH], "Operations": [operation]})
        until(
            lambda: self.directory.zoho_one.calls().get("PATCH /Groups/{id}", 0) > before,
            BEGINS_WITHIN,
            "members are on their way",
        )

    def done(self) -> bool:
        bridge, store = self.parts.bridge, self.directory.store_id
        waiting = bool(bridge.groups.pending(store)) or any(True for _ in bridge.memberships.notes.waiting(store))
        return not waiting and len(self.directory.zoho_one.members("Sales")) == len(MEMBERS)

    def check(self) -> None:
        assert len(self.directory.zoho_one.groups()) == 1
        self._one_account_each()


class MailWork(Pushed):
    """The mail with a new person's one-time password."""

    name, what = "mail", "password mail"

    def prepare(self) -> None:
        self.parts.bridge.stores.put(notifying(self.parts.store(self.name)))
        super().prepare()

    def begin(self) -> None:
        self.parts.mails.answers.clear()
        self._request("POST", "/Users", _person("mailed"))
        until(self.parts.mails.waiting.is_set, BEGINS_WITHIN, "the mail is on its way")

    def strike(self, *, kills: bool) -> None:
        super().strike(kills=kills)
        self.parts.mails.accepts_late = not kills
        if not kills:
            self.parts.mails.answers.set()

    def struck(self) -> None:
        super().struck()
        self.parts.mails.answers.set()

    def gone_on(self) -> bool:
        return bool(self.parts.mails.taken)

    def done(self) -> bool:
        return self.gone_on() and not list(self.parts.bridge.mails.waiting(self.directory.store_id))

    def check(self) -> None:
        self._one_account_each()
        _, password = received(self.parts.mails.taken)[-1]
        assert self.directory.zoho_one.signs_in("mailed@contoso.example", password), "the last password is valid"


class PushWork(Work):
    """A new person whom Entra pushes, again and again until that is answered."""

    name, what = "push", "push, repeated each second"

    def begin(self) -> None:
        self.answered = threading.Event()
        self._slow("POST", "/Users", 1, 8)
        threading.Thread(target=self._repeat, daemon=True).start()
        until(lambda: "POST /Users" in self.directory.zoho_one.calls(), BEGINS_WITHIN, "the person is on the way")

    def gone_on(self) -> bool:
        return self.answered.is_set()

    def done(self) -> bool:
        return self.answered.is_set()

    def check(self) -> None:
        self._one_account_each()
        assert len(self.directory.zoho_one.users()) == 1
        (person,) = self.parts.bridge.identities.find(
            self.directory.store_id, Lookup.USER_NAME, "pushed@contoso.example"
        )
        stored = self.parts.bridge.identities.read(self.directory.store_id, person.id)
        assert stored is not None
        assert stored.identity.pending is None

    def _repeat(self) -> None:
        query = {"filter": 'userName eq "pushed@contoso.example"'}
        while not self.answered.is_set():
            endpoint: Endpoint = self.parts.endpoint(self.name)
            try:
                found = endpoint.request("GET", "/Users", query=query)
                if found.status_code == 200 and found.json()["totalResults"] == 1:
                    settled = endpoint.request("PATCH", f"/Users/{found.json()['Resources'][0]['id']}", json=_TITLED)
                else:
                    settled = endpoint.request("POST", "/Users", json=_person("pushed"))
                if settled.ok:
                    self.answered.set()
                    return
            except (requests.RequestException, ValueError):
                pass
            time.sleep(1)


_PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
_TITLED = {"schemas": [_PATCH], "Operations": [{"op": "Replace", "path": "title", "value": TITLE}]}
WORKS: tuple[type[Work], ...] = (CycleWork, OnDemandWork, PlanWork, GroupWork, MailWork, PushWork)
"""In the order in which they begin: the one that lasts longest first."""


def _person(name: str) -> dict[str, object]:
    address = f"{name}@contoso.example"
    return {
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName": address,
        "active": True,
        "emails": [{"type": "work", "value": address, "primary": True}],
    }
