"""Entra's provisioning service: it compares the directory with the application and sends what is missing, over SCIM.

Source: "How Application Provisioning works in Microsoft Entra ID", sections "Provisioning cycles: initial and
incremental" and "Deprovisioning", https://learn.microsoft.com/entra/identity/app-provisioning/how-provisioning-works
"""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import requests
from pydantic import BaseModel, ConfigDict

from local.entra.directory import EntraDirectory
from local.entra.mapping import ACTIVE, DEFAULT_MAPPING, MANAGER, USER_NAME, is_soft_deleted, mapped_values
from local.entra.person import Person
from local.entra.requests import FLAG, Change, Dialect, ManagerForm, create_body, manager_body, update_body
from local.walkthrough.group_provisioning import GroupProvisioning, GroupReport
from local.zoho_one.scim_application import QuarantinedError, RefusedError, ScimApplication


class Action(StrEnum):
    """What was done in the application for one person."""

    CREATE = "create"
    UPDATE = "update"
    DISABLE = "disable"
    ENABLE = "enable"
    DELETE = "delete"
    NONE = "nothing to do"
    SKIP = "skipped"  # disabled and never provisioned, or out of scope: he never gets an account


class PersonReport(BaseModel):
    """What a cycle did for one person. With an `error`, it did not get through and the next cycle tries again."""

    model_config = ConfigDict(frozen=True)

    person_id: str
    display_name: str
    action: Action
    changed: tuple[str, ...] = ()  # SCIM paths
    error: str | None = None


class CycleReport(BaseModel):
    """What one cycle did. In quarantine it ended early, for the reason given."""

    model_config = ConfigDict(frozen=True)

    people: tuple[PersonReport, ...]
    groups: tuple[GroupReport, ...] = ()
    quarantine: str | None = None

    @property
    def errors(self) -> list[PersonReport]:
        """The people with whom something went wrong."""
        return [report for report in self.people if report.error]

    @property
    def is_quiet(self) -> bool:
        """Whether nothing had to be done."""
        return not self.groups and all(report.action in (Action.NONE, Action.SKIP) for report in self.people)


@dataclass
class _Link:
    """What the service remembers of one person's account."""

    user_id: str
    display_name: str  # for the report, when he is gone from the directory
    in_step_with: dict[str, str] = field(default_factory=dict)  # the mapped values last sent or found
    manager_id: str | None = None


class ProvisioningService:
    """The provisioning job of one app, for one sync endpoint."""

    def __init__(
        self,
        directory: EntraDirectory,
        tenant_url: str,
        secret_token: str,
        *,
        manager_form: ManagerForm = ManagerForm.ARRAY,
    ) -> None:
        """Prepare the job. The flag `aadOptscim062020` is a query parameter of the Tenant URL, as in the portal."""
        sync_endpoint, _, flags = tenant_url.partition("?")
        self._directory = directory
        self._application = ScimApplication(sync_endpoint, secret_token)
        self._dialect = Dialect.WITH_FLAG if FLAG in flags.split("&") else Dialect.WITHOUT_FLAG
        self._manager_form = manager_form
        self._links: dict[str, _Link] = {}
        groups = ScimApplication(sync_endpoint, secret_token, "Groups")
        self._groups = GroupProvisioning(directory.groups, groups, self._dialect, self.user_id)

    def test_connection(self) -> None:
        """Do what the button Test Connection does: look for a user that cannot exist.

        Raises QuarantinedError, with the reason the portal would show, unless the answer is an empty list.
        """
        try:
            found = self._application.find(USER_NAME, str(uuid.uuid4()))
        except (RefusedError, requests.RequestException) as error:
            raise QuarantinedError(str(error)) from error
        if found is not None:
            raise QuarantinedError("The application found a user that does not exist")

    def cycle(self, on_person: Callable[[PersonReport], None] | None = None) -> CycleReport:
        """Bring everyone over: all in the first cycle, later those who changed or failed. Errors stand in the report.

        `on_person` is told of each person as he is done. Managers follow at the end, when both accounts exist, and then
        the groups that are assigned.
        """
        reports: dict[str, PersonReport] = {}
        gone = [person_id for person_id in self._links if self._directory.find(person_id) is None]
        try:
            for person_id in [*gone, *(person.id for person in self._directory.people())]:
                reports[person_id] = self._provision(person_id, self._dialect)
                if on_person:
                    on_person(reports[person_id])
            for person_id, report in reports.items():
                reports[person_id] = self._refer_to_manager(report, self._dialect)
            groups = self._groups.cycle()
        except QuarantinedError as reason:
            return CycleReport(people=tuple(reports.values()), quarantine=str(reason))
        return CycleReport(people=tuple(reports.values()), groups=groups)

    def provision_on_demand(self, person_id: str) -> PersonReport:
        """Bring one person over at once, whatever was sent before. The flag does not apply here.

        Raises QuarantinedError.
        """
        if person_id in self._links:
            self._links[person_id].in_step_with.clear()
        return self._refer_to_manager(self._provision(person_id, Dialect.WITHOUT_FLAG), Dialect.WITHOUT_FLAG)

    def shown(self, user_name: str) -> dict[str, Any] | None:
        """Return what the application shows of the user with this name, if it has one.

        Raises RefusedError, QuarantinedError and requests' exceptions.
        """
        return self._application.find(USER_NAME, user_name)

    def user_id(self, person_id: str) -> str | None:
        """Return the id the application gave a person's account, if it has one."""
        link = self._links.get(person_id)
        return link.user_id if link else None

    def _provision(self, person_id: str, dialect: Dialect) -> PersonReport:
        person = self._directory.find(person_id)
        name = person.display_name if person else self._links[person_id].display_name
        try:
            action, changed = self._bring_over(person, dialect) if person else self._delete(person_id)
        except (RefusedError, requests.RequestException) as error:
            return PersonReport(person_id=person_id, display_name=name, action=Action.NONE, error=str(error))
        return PersonReport(person_id=person_id, display_name=name, action=action, changed=changed)

    def _delete(self, person_id: str) -> tuple[Action, tuple[str, ...]]:
        self._application.delete(self._links[person_id].user_id)
        del self._links[person_id]
        return Action.DELETE, ()

    def _bring_over(self, person: Person, dialect: Dialect) -> tuple[Action, tuple[str, ...]]:
        in_scope = self._directory.is_assigned(person.id)
        values = mapped_values(person)
        if not in_scope:
            values[ACTIVE] = "False"
        link = self._links.get(person.id)
        if link and link.in_step_with == values:
            return Action.NONE, ()
        if link is None and (not in_scope or person.deleted_date_time):
            return Action.SKIP, ()
        held = self._application.get(link.user_id) if link else None
        held = held or self._application.find(USER_NAME, values[USER_NAME])
        if held is None and values[ACTIVE] == "False":
            return Action.SKIP, ()
        if held is None:
            user_id = self._application.create(create_body(values, dialect))
            self._links[person.id] = _Link(user_id, person.display_name, values)
            return Action.CREATE, tuple(values)

        changes = [
            Change(mapping.target, values[mapping.target], mapping.path.read(held))
            for mapping in DEFAULT_MAPPING
            if mapping.target in values and mapping.path.read(held) != values[mapping.target]
        ]
        if changes:
            self._application.patch(held["id"], update_body(changes, dialect))
        if in_scope:
            manager_id = link.manager_id if link else None
            self._links[person.id] = _Link(held["id"], person.display_name, values, manager_id)
        else:
            self._links.pop(person.id, None)  # who was unassigned is forgotten: no DELETE will ever follow
        return _name_of(changes), tuple(change.path for change in changes)

    def _refer_to_manager(self, report: PersonReport, dialect: Dialect) -> PersonReport:
        """Send a person's manager if he changed, and return the report with that added."""
        person, link = self._directory.find(report.person_id), self._links.get(report.person_id)
        if person is None or link is None or is_soft_deleted(person):
            return report
        managers_link = self._links.get(person.manager or "")
        wanted = managers_link.user_id if managers_link else None
        if wanted == link.manager_id or (person.manager and wanted is None):
            return report  # a manager without an account cannot be referred to
        try:
            if wanted is None or not self._application.has_manager(link.user_id, wanted):
                self._application.patch(link.user_id, manager_body(wanted, self._manager_form, dialect))
        except (RefusedError, requests.RequestException) as error:
            return report.model_copy(update={"error": report.error or str(error)})
        link.manager_id = wanted
        action = Action.UPDATE if report.action is Action.NONE else report.action
        return report.model_copy(update={"action": action, "changed": (*report.changed, MANAGER)})


def _name_of(changes: list[Change]) -> Action:
    if not changes:
        return Action.NONE
    for change in changes:
        if change.path == ACTIVE:
            return Action.ENABLE if change.value == "True" else Action.DISABLE
    return Action.UPDATE
