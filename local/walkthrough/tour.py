"""The steps of Zoho One's guide "Add Microsoft Azure to Zoho One", walked on one machine and checked at the end."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import requests
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from local.entra import people
from local.entra.directory import EntraDirectory
from local.entra.mapping import is_soft_deleted
from local.entra.person import Person
from local.entra.provisioning_service import Action, CycleReport, PersonReport, ProvisioningService
from local.store import connect_to_graph
from local.walkthrough.account_check import Standing, User
from local.walkthrough.admin_browser import NotAsked
from local.walkthrough.closing_table import Row, closing_table
from local.walkthrough.connect_store import connect_store
from local.walkthrough.do_nothing_store import USER_NAME as TRIAL
from local.walkthrough.do_nothing_store import disable_under_do_nothing
from local.walkthrough.existing_accounts import ExistingAccountSteps
from local.walkthrough.group_steps import GROUPED, GroupSteps
from local.walkthrough.mailbox import NOTIFICATION, count_mails, password_outcome
from local.walkthrough.map_attributes import map_attributes
from local.walkthrough.reconciler_steps import ReconcilerSteps
from local.zoho_one.scim_application import QuarantinedError, RefusedError
from shared.admin.switch import CannotStart
from shared.app.container import Bridge
from shared.settings import Settings

TIMEOUT = 10.0  # seconds; for the simulated Zoho One on this machine


@dataclass(frozen=True)
class WalkthroughParts:
    """The addresses of the local system's parts. The directory is the one that Graph shows, if the caller shares it."""

    sync_endpoint: str
    secret_token: str
    tenant_url: str
    zoho_one: str
    zoho_scim_token: str
    host: str
    settings: Mapping[str, str]
    entra: Mapping[str, str]
    store: str
    mailbox: Path
    directory: EntraDirectory = field(default_factory=lambda: EntraDirectory(people.PEOPLE))


def run_walkthrough(parts: WalkthroughParts, console: Console) -> bool:
    """Walk the steps, explaining each, and end with a table of everyone.

    Returns whether every person is as expected; if not, the table says what is wrong. Raises requests' exceptions if
    the simulated Zoho One does not answer.
    """
    walk = _Walk(parts, console)
    try:
        walk.connect_to_zoho_one()
        walk.choose_notifications()
        walk.connect_entra()
        walk.existing.begin()
        walk.provision_everyone()
        walk.existing.decide()
        walk.people_leave()
        walk.people_change()
        walk.nothing_happens()
        walk.another_setting()
        walk.groups()
        walk.reconcile()
        return walk.conclude()
    except (QuarantinedError, RefusedError) as reason:
        console.print(f"[bold red]Entra stops provisioning:[/] {escape(str(reason))}")
        return False
    except (NotAsked, CannotStart) as reason:
        console.print(f"[bold red]The store cannot be connected to Zoho One:[/] {escape(str(reason))}")
        return False


class _Walk:
    def __init__(self, parts: WalkthroughParts, console: Console) -> None:
        self.parts = parts
        self.console = console
        self.directory = parts.directory
        self.bridge = Bridge(Settings.model_validate(parts.settings))
        self.service = ProvisioningService(parts.directory, parts.tenant_url, parts.secret_token)
        self.last_seen: dict[str, Person] = {}  # including those who are deleted by the end
        self.ever_active: set[str] = set()
        self.done: dict[str, list[PersonReport]] = defaultdict(list)
        self.user_ids: dict[str, str] = {}  # including those that the bridge no longer shows
        self.quiet = True
        self.untouched = True
        self.grouped = True
        self.reconciled = True
        self.existing = ExistingAccountSteps(parts.host, parts.store, parts.zoho_one, self.bridge, console, self._step)

    def connect_to_zoho_one(self) -> None:
        self._step(
            "Zoho One: Directory, Directory Stores, Add Directory, Azure",
            f"The directory store [bold]{self.parts.store}[/] exists, with Entra's default attribute mapping and the "
            "default status sync: people who leave are deactivated, nobody is deleted.\n"
            f"Its sync endpoint is {self.parts.sync_endpoint}",
        )
        map_attributes(self.parts.store, self.bridge, self._step)
        admin = people.PEOPLE[0].id if "BRIDGE_SIGN_IN_CLIENT_ID" in self.parts.settings else None
        connect_store(self.parts.host, self.parts.store, self.bridge, self.console, self._step, admin)

    def choose_notifications(self) -> None:
        domains = ", ".join(NOTIFICATION.verified_domains)
        self._step(
            "Zoho One: Mail Notification, Password Notification",
            f'"{NOTIFICATION.mail_notification}", "{NOTIFICATION.password_notification}". The only verified domain is '
            f"{domains}: people with an address there are mailed a one-time password, and Zoho One invites the others.",
        )

    def connect_entra(self) -> None:
        self._step(
            "Entra: the Zoho One app, Provisioning, Automatic",
            f"Tenant URL: {self.parts.tenant_url}\nSecret token: the store's. Now Test Connection.",
        )
        self.service.test_connection()
        self.console.print("[green]The connection works.[/]")

    def provision_everyone(self) -> None:
        everyone = self.directory.people()
        first = everyone[0]
        self._step("Entra: select a user, Provision", f"{first.display_name} is needed at once: provision on demand.")
        self._remember_people()
        self._tell(self.service.provision_on_demand(first.id))
        self._step("Entra: Start provisioning", f"The first cycle provisions all {len(everyone)} people.")
        self._cycle()

    def people_leave(self) -> None:
        leaver, rehired, disabled = (self._name(i) for i in (people.LEAVER, people.REHIRED, people.DISABLED_LATER))
        self._step("40 minutes later", f"{disabled} and {rehired} were disabled in Entra, {leaver} was deleted.")
        self.directory.disable(people.DISABLED_LATER)
        self.directory.disable(people.REHIRED)
        self.directory.soft_delete(people.LEAVER)
        self._cycle()

    def people_change(self) -> None:
        leaver, rehired, moved, manager, renamed = (
            self._name(i)
            for i in (people.LEAVER, people.REHIRED, people.MOVED, people.NEW_MANAGER_OF_MOVED, people.RENAMED)
        )
        self._step(
            "A month later",
            f"{renamed} has married, and has another name and user principal name. {rehired} is hired again. {moved} "
            f"moved to the department of {manager}. {leaver} was removed from the recycle bin.",
        )
        self.directory.rename(
            people.RENAMED,
            user_principal_name="maria.costa@contoso.example",
            given_name="Maria",
            surname="Costa",
            display_name="Maria Costa",
        )
        self.directory.enable(people.REHIRED)
        self.directory.change_job(people.MOVED, job_title="Nghiên cứu viên", department="Research")
        self.directory.change_manager(people.MOVED, people.NEW_MANAGER_OF_MOVED)
        self.directory.hard_delete(people.LEAVER)
        self._cycle()

    def nothing_happens(self) -> None:
        self._step("40 minutes later", "Nothing has changed in Entra, so nothing may be sent.")
        report = self._cycle()
        self.quiet = all(person.action in (Action.NONE, Action.SKIP) for person in report.people)

    def another_setting(self) -> None:
        self._step(
            "Under another setting: Status Sync, deactivated users, Do nothing",
            "A second directory store has this setting, and is connected by a SCIM token instead of consent. It "
            "provisions one person, who is then disabled in Entra.",
        )
        token = self.parts.zoho_scim_token
        user_name = disable_under_do_nothing(self.parts.host, self.parts.store, self.bridge, token)
        self.untouched = self._accounts()[user_name]["active"] is True
        outcome = "is still active in Zoho One" if self.untouched else "[red]was deactivated in Zoho One[/]"
        self.console.print(f"{user_name} {outcome}.")

    def reconcile(self) -> None:
        bridge, store = self.bridge, self.parts.store
        connect_to_graph(bridge, store, self.parts.entra)
        reconciler = ReconcilerSteps(self.parts.host, store, bridge, self.directory, self.console, self._step)
        self.reconciled = reconciler.walk(self._remember_people)

    def groups(self) -> None:
        parts = self.parts
        steps = GroupSteps(parts.host, parts.store, parts.zoho_one, self.bridge, self.console)
        self.grouped = steps.walk(self._step)

    def conclude(self) -> bool:
        """Print the closing table and return whether everything is as expected."""
        accounts = self._accounts()
        for user_name in (TRIAL, *GROUPED):
            accounts.pop(user_name, None)
        before = dict(accounts)
        self.existing.conclude(before)
        accounts = {name: account for name, account in accounts.items() if name in before}
        rows = [
            Row(
                self._standing(person, accounts.pop(person.account_name, None)),
                tuple(self.done[person.id]),
                self._password_outcome(person),
            )
            for person in self.last_seen.values()
        ]
        self.console.print(closing_table(rows))
        mails = count_mails(self.parts.mailbox)
        self.console.print(f"{mails} one-time password mails are in {self.parts.mailbox}", soft_wrap=True)
        for user_name in accounts:
            self.console.print(f"[red]Nobody in Entra belongs to the account {escape(user_name)}.[/]")
        if not self.quiet:
            self.console.print("[red]A cycle without changes sent requests.[/]")
        wrong = [row for row in rows if row.problems]
        if not wrong and not accounts and self._all_went_well:
            self.console.print(f"[green]All {len(rows)} people are as expected in Zoho One.[/]")
            return True
        self.console.print(
            f"[bold red]Not as expected: {len(wrong)} of {len(rows)} people, {len(accounts)} stray accounts.[/]"
        )
        return False

    @property
    def _all_went_well(self) -> bool:
        steps = (self.quiet, self.untouched, self.grouped, self.reconciled, self.existing.as_expected)
        return all(steps)

    def _step(self, title: str, text: str) -> None:
        self.console.rule(f"[bold]{title}", align="left")
        self.console.print(text)

    def _name(self, person_id: str) -> str:
        return f"[bold]{escape(self.directory.get(person_id).display_name)}[/]"

    def _cycle(self) -> CycleReport:
        self._remember_people()
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, console=self.console) as progress:
            task = progress.add_task("Provisioning", total=len(self.last_seen))
            report = self.service.cycle(on_person=lambda _: progress.advance(task))
            progress.update(task, completed=len(self.last_seen))
        for person in report.people:
            self._tell(person)
            if user_id := self.service.user_id(person.person_id):
                self.user_ids[person.person_id] = user_id
        if report.quarantine:
            raise QuarantinedError(report.quarantine)
        return report

    def _tell(self, report: PersonReport) -> None:
        if report.error or report.action not in (Action.NONE, Action.SKIP):
            self.done[report.person_id].append(report)
        if report.error:
            self.console.print(f"[red]{escape(report.display_name)}: {escape(report.error)}[/]")

    def _remember_people(self) -> None:
        for person in self.directory.people():
            self.last_seen[person.id] = person
            if self._should_work(person):
                self.ever_active.add(person.id)

    def _password_outcome(self, person: Person) -> str:
        user_id = self.user_ids.get(person.id)
        return password_outcome(self.bridge.identities.history(self.parts.store, user_id)) if user_id else ""

    def _should_work(self, person: Person) -> bool:
        return not is_soft_deleted(person) and self.directory.is_assigned(person.id)

    def _accounts(self) -> dict[str, User]:
        state = requests.get(f"{self.parts.zoho_one}/_state", timeout=TIMEOUT)
        state.raise_for_status()
        return {user["userName"]: user for user in state.json()["users"]}

    def _standing(self, person: Person, account: User | None) -> Standing:
        deleted = self.directory.find(person.id) is None
        return Standing(
            person=person,
            active=not deleted and self._should_work(person),
            ever_active=person.id in self.ever_active,
            deleted=deleted,
            manager_id=self.service.user_id(person.manager or ""),
            bridge_user=self.service.shown(person.mapped_name),
            account=account,
        )
