"""A store with eighty people and fifty changes to come, the cycle that takes them over, and what must be so after it.

Entra goes its way once: the link that the store keeps tells of the same fifty changes each time. Tables and Zoho One
are taken back to where they were before the cycle, so that a case costs its own cycles and no more.
"""

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import timedelta
from email import message_from_bytes
from email.policy import default
from functools import cached_property
from pathlib import Path
from signal import SIGKILL
from typing import Any, Self

from local.walkthrough.mailbox import NOTIFICATION
from shared.app.container import Bridge
from shared.rules.guard_limits import GuardLimits, Threshold
from shared.rules.mapping.mapping import DEFAULT_MAPPING, Mapping, ProfileField, Rule
from shared.rules.run import Run, RunState
from shared.rules.status import Deprovisioning, StatusRules
from shared.rules.store import Store
from shared.rules.zoho_user import ZohoField
from shared.sync.cycle_note import CycleRequest
from shared.tables.errors import TablesBusy
from tests.conftest import Entra, ZohoOne
from tests.faults import cycle_steps, fifty_changes
from tests.faults.cycle_steps import Doomed
from tests.faults.forked import PROCESSES
from tests.faults.outcome import Outcome
from tests.faults.outside_calls import CallName, Kind, Wire
from tests.faults.table_rows import TableRows
from tests.mail.mailing import password_in
from tests.mail.office import Clock
from tests.sync.reconciled import Reconciled

RULES: dict[str, Any] = {
    # That somebody is deleted has to be in the plan; and the fifty changes are meant, so that the guard lets them pass.
    "status_rules": StatusRules(on_deleted=Deprovisioning.DELETE),
    "guard": GuardLimits(leavings=Threshold(count=20, percent=50)),
}
CHANGES = 48
"""Of the fifty, in the first cycle: two are of people whose new names are free after it only."""
LATER = timedelta(minutes=10)
"""By then each lease has ended, and each mail that waits is due."""
MOST_CYCLES = 3
"""Until nobody waits: after a fault one more, and one for a name that somebody else has to give up first."""
OF_THE_RECORD = ("runs", "leases", "stores")
"""Tables without which nothing can be recorded."""
CLOSES_A_MAIL = "DELETE mail"
"""A transaction that notes that a mail has gone."""


@dataclass
class CycleScene:
    """One store, in the middle of its life."""

    bridge: Bridge
    clock: Clock
    store: Store
    zoho_one: ZohoOne
    rows: TableRows
    settings: dict[str, str]
    wire: Wire
    accounts: frozenset[str]
    """The ids of those there are."""
    may_go: frozenset[str]
    """The ids of the accounts that are to be deleted."""
    calls: list[str] = field(default_factory=list)
    """The kinds of those of a cycle that nobody disturbs."""
    good: Outcome | None = None
    """What it leaves."""

    @classmethod
    def build(
        cls, bridge: Bridge, clock: Clock, store: Store, entra: Entra, zoho_one: ZohoOne, settings: dict[str, str]
    ) -> Self:
        """Take over eighty people, let Entra go on, and see what a cycle makes of it."""
        zoho = store.zoho.model_copy(update={"extensions": {ZohoField.MANAGER: None}, "sends_passwords": True})
        manager = Rule(target=ZohoField.MANAGER, source=ProfileField(field="manager"))
        mapping = Mapping(rules=(*DEFAULT_MAPPING.rules, manager))
        bridge.mappings.save(store.id, mapping, based_on=0, by="test", at=clock(), why="test")
        fifty_changes.before_all(entra)
        reconciled = Reconciled.start(bridge, store, entra, zoho_one, zoho=zoho, **RULES)
        assert reconciled.cycle().state is RunState.DONE
        fifty_changes.before_the_changes(entra)
        assert reconciled.cycle().state is RunState.DONE
        reconciled.change(password_notification=NOTIFICATION)
        accounts = {user["id"]: user["userName"] for user in zoho_one.users()}
        gates = {entra.ready["url"]: "graph", zoho_one.parts.url: "zoho", tables_url(settings): "tables"}
        scene = cls(
            bridge,
            clock,
            reconciled.store,
            zoho_one,
            TableRows(settings["AzureWebJobsStorage"], store.id),
            settings,
            Wire(gates),
            frozenset(accounts),
            frozenset(account for account, name in accounts.items() if name in fifty_changes.DELETED),
        )
        scene._keep()
        fifty_changes.change(entra)
        scene._run_undisturbed(reconciled)
        return scene

    @cached_property
    def cold_calls(self) -> list[str]:
        """The same in a process of its own."""
        self.go_back()
        assert self._in_a_process(None, None) == 0
        return cycle_steps.CALLS.validate_json(self._calls_file.read_bytes())

    def run_case(self, at: CallName, kind: Kind) -> None:
        """Let one call go wrong, and see that nothing comes of it once all goes well again."""
        where = f"{kind}: {at}"
        self.go_back()
        if kind.is_kill:
            self._die(at, kind, where)
        else:
            self._disturb(at, kind, where)
        assert self._gone() <= self.may_go, f"{where}: deleted beside the plan: {self._gone() - self.may_go}"
        again = self._mailed_and_not_noted()
        assert not again or kind.is_kill or CLOSES_A_MAIL in at.kind, where
        self.clock.ahead += LATER
        self.settlement()
        self.assert_all_is_well(where, again)

    def go_back(self) -> None:
        """To where each case begins."""
        self.clock.ahead = timedelta()
        self.rows.go_back()
        assert self.zoho_one.session.put(f"{self.zoho_one.parts.url}/_kept").ok
        for mail in self._mailbox.glob("*"):
            mail.unlink()

    def settlement(self) -> None:
        """As many good cycles as it takes until nobody waits."""
        for _ in range(MOST_CYCLES):
            run = self.cycle()
            assert run.state is RunState.DONE, run
            self.bridge.password_mails.work_through([self.store])
            self.bridge.memberships.work_through([self.store])
            if not self._waiting():
                return
            self.clock.ahead += LATER
        raise AssertionError(f"after {MOST_CYCLES} cycles there waits still: {self._waiting()}")

    def cycle(self) -> Run:
        """One, in this process."""
        return self.bridge.cycles.run(CycleRequest(store=self.store.id, asked_by="test")).run

    def assert_all_is_well(self, where: str, mailed_again: list[str]) -> None:
        """It is as a cycle leaves it that nobody disturbs."""
        outcome = Outcome.read(self.bridge, self.zoho_one, self.store.id)
        if self.good is not None:
            assert outcome == self.good, f"{where}: {outcome.difference(self.good)}"
        mails = self._mails()
        assert Counter(to for to, _ in mails) == Counter([*fifty_changes.CREATED, *mailed_again]), where
        for to, password in dict(mails).items():
            assert self.zoho_one.signs_in(to, password), f"{where}: the last password mailed to {to} is not valid"
        runs = self.bridge.runs.newest(self.store.id)
        assert all(run.ended for run in runs), f"{where}: a run seems to run still: {runs}"

    def _gone(self) -> frozenset[str]:
        """The accounts that there were, and are no more."""
        return frozenset(self.accounts - {user["id"] for user in self.zoho_one.users()})

    def _keep(self) -> None:
        self.rows.keep()
        assert self.zoho_one.session.post(f"{self.zoho_one.parts.url}/_kept").ok

    def _run_undisturbed(self, reconciled: Reconciled) -> None:
        """Learn what a cycle calls, and what it leaves."""
        with self.wire.watched():
            run = self.cycle()
        assert run.state is RunState.DONE
        assert sum(run.planned.values()) >= CHANGES, run.planned
        self.calls = self.wire.seen
        self.clock.ahead += LATER
        self.settlement()
        self.assert_all_is_well("undisturbed", [])
        reconciled.assert_as_in_entra()
        assert self._gone() == self.may_go
        self.good = Outcome.read(self.bridge, self.zoho_one, self.store.id)

    def _disturb(self, at: CallName, kind: Kind, where: str) -> None:
        """A cycle in this process, with one call that goes wrong. Its record says what became of it."""
        calls, run = self.zoho_one.all_calls(), None
        try:
            with self.wire.watched(at, kind):
                run = self.cycle()
        except TablesBusy:
            assert at.gate == "tables", where
        assert self.wire.met, f"{where}: it was not called"
        newest = next(iter(self.bridge.runs.newest(self.store.id)), None)
        if run is not None:
            assert newest == run, where
        elif not any(table in at.kind for table in OF_THE_RECORD):
            note = self.bridge.cycles.standing(self.store).note
            assert note.open_run is not None, f"{where}: it is gone on with"
            if newest is not None and newest.id == note.open_run:  # it is shown a little after it has begun
                assert newest.state is RunState.RUNNING, where
        if newest is None or newest.digest is None:
            assert self.zoho_one.all_calls() == calls, f"{where}: nothing was planned, and Zoho One was called"
        if at.gate == "graph":
            assert newest is not None, where
            assert newest.state is RunState.FAILED, where
            assert newest.digest is None, f"{where}: a reading that failed was planned from"

    def _die(self, at: CallName, kind: Kind, where: str) -> None:
        """A cycle in a process that does not live to its end."""
        code = self._in_a_process(at, kind)
        assert code == -SIGKILL, f"{where}: it ended with {code}"

    def _in_a_process(self, at: CallName | None, kind: Kind | None) -> int | None:
        doomed = Doomed(self.settings, self.store.id, replace(self.wire, seen=[]), at, kind, self._calls_file)
        process = PROCESSES.Process(target=cycle_steps.cycle, args=(doomed,))
        process.start()
        process.join()
        return process.exitcode

    def _waiting(self) -> list[str]:
        """Who is pending, or to be read again, or due a mail; groups that are pending, or to be looked at."""
        flow = self.bridge.flow
        waiting = flow.pending_changes.waiting(self.store.id)
        mails = [held.identity_id for held in self.bridge.mails.waiting(self.store.id)]
        marked = flow.scope.marked(self.store.id)
        groups = [look.group for look in flow.entra_groups.looks(self.store.id)]
        groups += self.bridge.groups.pending(self.store.id)
        groups += [stored.note.person for stored in self.bridge.memberships.notes.waiting(self.store.id)]
        return [*waiting.people, *waiting.arrived, *marked, *mails, *groups]

    def _mailed_and_not_noted(self) -> list[str]:
        """Whose mail has gone, though its mark is there still: he gets a second one, docs/password-notification.md."""
        mailed = {to for to, _ in self._mails()}
        people = [
            self.bridge.identities.read(self.store.id, held.identity_id)
            for held in self.bridge.mails.waiting(self.store.id)
        ]
        names = [stored.identity.said.keys.user_name for stored in people if stored]
        return [name for name in names if name in mailed]

    @property
    def _mailbox(self) -> Path:
        return Path(self.settings["BRIDGE_MAIL_FOLDER"])

    @property
    def _calls_file(self) -> Path:
        return self._mailbox.with_name("calls.json")

    def _mails(self) -> list[tuple[str, str]]:
        """To whom each mail went, and the password in it; oldest first."""
        mails = [path.read_bytes() for path in sorted(self._mailbox.glob("*.eml"))]
        return [(str(message_from_bytes(mail, policy=default)["To"]), password_in(mail)) for mail in mails]


def tables_url(settings: dict[str, str]) -> str:
    """How every call to the tables begins."""
    return dict(part.split("=", 1) for part in settings["AzureWebJobsStorage"].strip(";").split(";"))["TableEndpoint"]
