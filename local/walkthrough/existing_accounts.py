"""The walkthrough's part about accounts that Zoho One has before the bridge: adopted, proposed, nobody's."""

from collections.abc import Callable
from dataclasses import dataclass, field

import requests
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from local.entra import people
from local.walkthrough.requested_cycle import RequestedCycle
from shared.app.container import Bridge
from shared.rules.change import ChangeKind
from shared.rules.run import Result

TIMEOUT = 10.0  # seconds; for the simulated Zoho One on this machine
_OTHERS = {
    *(people.RENAMED, people.MOVED, people.NEW_MANAGER_OF_MOVED, people.REHIRED, people.LEAVER),
    *(people.DISABLED_LATER, people.DISABLED_FROM_THE_START, people.PEOPLE[0].id),
}
"""People to whom something else happens."""
SAME, ACCEPTED, REJECTED = [
    person for person in people.PEOPLE if person.account_enabled and person.mail and person.id not in _OTHERS
][:3]
SCANNER, FORMER, STRANGER = "scanner@old.example", "maiden.name@old.example", "namesake@old.example"


@dataclass
class ExistingAccountSteps:
    """Each step says what it does; ``as_expected`` is whether every result was."""

    host: str
    store: str
    zoho_one: str
    bridge: Bridge
    console: Console
    tell: Callable[[str, str], None]
    as_expected: bool = True
    ids: dict[str, str] = field(default_factory=dict)
    """Of the accounts that were there, by their userNames then."""

    def begin(self) -> None:
        """Let Zoho One have accounts, and show what the bridge knows of them before anybody is provisioned."""
        self.tell(
            "Zoho One: people are there already",
            f"An administrator has made accounts by hand: one is that of {escape(SAME.display_name)}, its name in "
            f"capital letters; two have the addresses of {escape(ACCEPTED.display_name)} and "
            f"{escape(REJECTED.display_name)}, and other names; one is a scanner's. The preview of changes reads them "
            "all, and changes none.",
        )
        users: list[dict[str, object]] = [
            {"userName": SAME.user_principal_name.upper(), "title": "By hand"},
            {"userName": FORMER, "emails": [{"type": "work", "value": ACCEPTED.mail}]},
            {"userName": STRANGER, "emails": [{"type": "work", "value": REJECTED.mail}]},
            {"userName": SCANNER, "displayName": "Scanner"},
        ]
        body = [user | {"active": True} for user in users]
        answer = requests.post(f"{self.zoho_one}/_users", json=body, timeout=TIMEOUT)
        answer.raise_for_status()
        self.ids = {user["userName"]: user["id"] for user in answer.json()}
        store = self.bridge.stores.read(self.store)
        assert store is not None  # it was added before
        self.bridge.dry_run(store)
        reading = self.bridge.unmanaged.reading(store)
        self.as_expected = reading is not None and reading.unmanaged == len(users)
        for account in self.bridge.unmanaged.all(self.store):
            self.console.print(f"{escape(account.user_name)}: nobody manages it")

    def decide(self) -> None:
        """Accept one proposal and reject the other."""
        self.tell(
            "The bridge: two proposals",
            f"{escape(SAME.display_name)}'s account was adopted. The two whose addresses match wait: Entra's requests "
            "were answered 503. A cycle proposes the accounts, an admin accepts one and rejects the other, and another "
            "cycle does that.",
        )
        cycle = RequestedCycle(self.host, self.store, self.bridge, self.console)
        proposed = cycle.run().planned.get(ChangeKind.PROPOSE)
        for proposal in list(self.bridge.proposals.all(self.store)):
            change, (adoption,) = proposal.change, proposal.accounts
            self.console.print(escape(f"{change.name}: {change.reason}"))
            accepts = adoption.account == self.ids[FORMER]
            choices = self.bridge.account_choices
            (choices.accept if accepts else choices.reject)(
                self.store, change.identity, adoption.account, "local admin"
            )
        done = cycle.run()
        kinds = (done.planned.get(ChangeKind.ADOPT), done.planned.get(ChangeKind.CREATE))
        if proposed != 2 or kinds != (1, 1) or done.results != {Result.DONE: 2}:
            self.console.print("[red]The proposals were not carried out as decided.[/]")
            self.as_expected = False

    def conclude(self, accounts: dict[str, dict[str, object]]) -> None:
        """Show what became of each account, and take those that are nobody's out of ``accounts``, by userName."""
        table = Table(title="Accounts that Zoho One had already", title_justify="left")
        for header in ("Account", "What became of it"):
            table.add_column(header, overflow="fold")
        names = {str(account["id"]): name for name, account in accounts.items()}
        for before, account in self.ids.items():
            now = names.get(account, "")
            theirs = before in (FORMER, SAME.user_principal_name.upper())
            told = f"adopted: {now}" if now not in (before, "") else "nobody's, and not touched" if now else "gone"
            self.as_expected = self.as_expected and (now not in (before, "")) == theirs
            table.add_row(escape(before), escape(told))
            if now == before:
                accounts.pop(before)
        self.console.print(table)
