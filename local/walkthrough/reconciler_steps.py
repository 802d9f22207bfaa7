"""The walkthrough's part about the reconciler: a cycle, a plan that is held, and provisioning on demand."""

from collections.abc import Callable
from dataclasses import dataclass

from rich.console import Console
from rich.markup import escape

from local.entra import people
from local.entra.directory import EntraDirectory
from local.entra.person import Person, id_of
from local.walkthrough.requested_cycle import RequestedCycle
from shared.app.container import Bridge
from shared.rules.on_demand import StepFound
from shared.rules.plan_report import as_text
from shared.rules.run import Result, Run, RunState

SHOWN = 8  # lines of the plan
COURSE = "Introduction"
"""A group that no push contains."""
NEWCOMER = Person(
    id=id_of("rosa.engel@contoso.example"),
    user_principal_name="rosa.engel@contoso.example",
    display_name="Rosa Engel",
    given_name="Rosa",
    surname="Engel",
    mail="rosa.engel@contoso.example",
    mail_nickname="rosa.engel",
    job_title="Trainee",
)


@dataclass
class ReconcilerSteps:
    """Each step says what it does, and records whether the result was the expected one."""

    host: str
    store: str
    bridge: Bridge
    directory: EntraDirectory
    console: Console
    tell: Callable[[str, str], None]

    def walk(self, remember: Callable[[], None]) -> bool:
        """Run all steps; return whether every result was as expected. ``remember``: called to record the people
        in Entra before any is deleted.
        """
        return self._changes_that_no_push_carried(remember) and self._a_mistake() and self._on_demand(remember)

    def _changes_that_no_push_carried(self, remember: Callable[[], None]) -> bool:
        moved = self.directory.get(people.MOVED)
        self.tell(
            "The bridge: Microsoft Graph",
            "From now on the bridge reads Entra by itself, every 40 minutes. In Entra, "
            f"[bold]{escape(moved.display_name)}[/] has another title and [bold]{NEWCOMER.display_name}[/] is new; "
            f"both are in the group [bold]{COURSE}[/], which is now assigned to the app. No push contains it. The "
            "timer's function requests a cycle, and the queue's function runs it.",
        )
        self.directory.change_job(people.MOVED, job_title="Trưởng nhóm", department=moved.department)
        self.directory.create(NEWCOMER)
        groups = self.directory.groups
        groups.put(id_of(COURSE), [people.MOVED, NEWCOMER.id])
        groups.rename(id_of(COURSE), COURSE)
        groups.assigned[id_of(COURSE)] = None
        remember()
        run = self._cycle()
        done = run.state is RunState.DONE and run.results.get(Result.DONE, 0) >= 3 and len(run.results) == 1
        return done and self._members(COURSE) == 2

    def _members(self, group: str) -> int:
        """Return the number of members that a group has in Zoho One."""
        store = self.bridge.stores.read(self.store)
        assert store is not None  # it was never removed
        zoho_one = self.bridge.zoho_groups(store)
        shown = (zoho_one.look(found.id) for found in zoho_one.find(group))
        return sum(len(each.members) for each in shown if each is not None)

    def _a_mistake(self) -> bool:
        everybody = self.directory.assigned()
        half = everybody[: len(everybody) // 2]
        self.tell(
            "A mistake in Entra",
            f"Somebody removes the assignment to the app from {len(half)} of {len(everybody)} people. The guard checks "
            "the plan before anything is done.",
        )
        for person in half:
            self.directory.unassign(person)
        held = self._cycle()
        newest = self.bridge.held_plans.newest(self.store)
        if held.state is not RunState.HELD or newest is None:
            self.console.print("[red]The plan was not held.[/]")
            return False
        plan = self.bridge.held_plans.plan(newest.held)
        for line in as_text(plan, newest.held.breaches).splitlines()[:SHOWN]:
            self.console.print(escape(line))
        self.console.print("  …\nAn admin discards the plan, and gives the assignments back.")
        self.bridge.decisions.discard(self.store, newest.held.id, "local admin")
        for person in half:
            self.directory.assign(person)
        run = self._cycle()
        return run.state is RunState.DONE and not run.planned

    def _on_demand(self, remember: Callable[[], None]) -> bool:
        self.tell(
            "The bridge: provision on demand",
            f"[bold]{NEWCOMER.display_name}[/] has another name, which is needed in Zoho One at once.",
        )
        self.directory.rename(
            NEWCOMER.id,
            user_principal_name="rosa.stern@contoso.example",
            given_name="Rosa",
            surname="Stern",
            display_name="Rosa Stern",
        )
        remember()
        store = self.bridge.stores.read(self.store)
        assert store is not None  # it was never removed
        _, (report,) = self.bridge.on_demand.provision(store, [NEWCOMER.id], "local admin", self)
        return report.result is Result.DONE

    def step(self, person: str, found: StepFound) -> None:  # noqa: ARG002 - there is one
        """Show a step of provisioning on demand."""
        mark = "[green]✓[/]" if found.passed else "[red]✗[/]"
        self.console.print(f"{mark} {found.step}: {escape(found.told)}")

    def _cycle(self) -> Run:
        """Request a cycle through the queue, and wait for it."""
        return RequestedCycle(self.host, self.store, self.bridge, self.console).run()
