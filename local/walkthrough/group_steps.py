"""Groups in the walkthrough: two of them, one with a member who is provisioned after the group."""

from collections.abc import Callable

import requests
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from local.entra.directory import EntraDirectory
from local.entra.person import Person, id_of
from local.entra.provisioning_service import ProvisioningService
from local.walkthrough.another_store import add_another_store
from shared.app.container import Bridge
from shared.rules.guard_limits import GuardLimits

SALES, BOARD = "Sales", "Board"
FOR_A_TEAM = GuardLimits(leavings_share=None)
"""In a store of four people, two who leave within 40 minutes are half of it, and the guard would hold the second."""
TIMEOUT = 10.0  # seconds; for the simulated Zoho One on this machine


def _person(name: str) -> Person:
    user_name = f"{name.lower()}.grouped@contoso.example"
    return Person(
        id=id_of(user_name), user_principal_name=user_name, display_name=f"{name} Grouped", mail_nickname=name.lower()
    )


AGNES, BORIS, CLARA, DORA = (_person(name) for name in ("Agnes", "Boris", "Clara", "Dora"))
GROUPED = tuple(person.user_principal_name for person in (AGNES, BORIS, CLARA, DORA))
"""The userNames of the groups' members."""


class GroupSteps:
    """A directory store of its own, on the same Zoho One, with some people and two groups."""

    def __init__(self, host: str, store_id: str, zoho_one: str, bridge: Bridge, console: Console) -> None:
        self._zoho_one, self._console = zoho_one, console
        self._store, token = add_another_store(store_id, "groups", bridge)
        bridge.stores.change(self._store, lambda store: store.model_copy(update={"guard": FOR_A_TEAM}))
        self._directory = EntraDirectory([AGNES, BORIS, CLARA])
        self._service = ProvisioningService(self._directory, f"{host}/scim/{self._store}?aadOptscim062020", token)
        self._wrong = 0

    def walk(self, step: Callable[[str, str], None]) -> bool:
        """Change people and groups, and print each group's members; return whether Zoho One agrees each time.

        Raises what the provisioning service raises.
        """
        groups = self._directory.groups
        step(
            "Groups: Sales has Agnes and Clara, Board has Agnes and Boris",
            "Clara is provisioned, but disabled before the groups are: she joins when she is enabled again.",
        )
        self._service.cycle()
        self._directory.disable(CLARA.id)
        for name, members in ((SALES, [AGNES, CLARA]), (BOARD, [AGNES, BORIS])):
            groups.put(id_of(name), [member.id for member in members])
            groups.rename(id_of(name), name)
            groups.assigned[id_of(name)] = None
        self._cycle({SALES: [AGNES], BOARD: [AGNES, BORIS]})
        step(
            "40 minutes later",
            "Dora is hired for Sales, and Clara enabled; Agnes is disabled. Boris leaves Board, which is renamed.",
        )
        self._directory.create(DORA)
        groups.add(id_of(SALES), DORA.id)
        self._directory.enable(CLARA.id)
        self._directory.disable(AGNES.id)
        groups.remove(id_of(BOARD), BORIS.id)
        groups.rename(id_of(BOARD), "Managing board")
        self._cycle({SALES: [CLARA, DORA], "Managing board": []})
        step("40 minutes later", "Agnes is enabled again. Entra does not send her memberships: the bridge knows them.")
        self._directory.enable(AGNES.id)
        self._cycle({SALES: [AGNES, CLARA, DORA], "Managing board": [AGNES]})
        return not self._wrong

    def _cycle(self, expected: dict[str, list[Person]]) -> None:
        for report in self._service.cycle().groups:
            outcome = f"[red]{escape(report.error)}[/]" if report.error else ", ".join(report.done)
            self._console.print(f"{escape(report.display_name)}: {outcome}")
        held = self._held()
        table = Table(title="Groups in Zoho One", title_justify="left")
        table.add_column("Group")
        table.add_column("Members")
        for name, people in expected.items():
            right = held.get(name) == sorted(person.user_principal_name for person in people)
            self._wrong += not right
            members = ", ".join(held.get(name, [])) or "nobody"
            table.add_row(escape(name), escape(members) if right else f"[red]{escape(members)}[/]")
        self._console.print(table)

    def _held(self) -> dict[str, list[str]]:
        state = requests.get(f"{self._zoho_one}/_state", timeout=TIMEOUT).json()
        names = {user["id"]: user["userName"] for user in state["users"]}
        return {
            group["displayName"]: sorted(names[member["value"]] for member in group.get("members", []))
            for group in state["groups"]
        }
