"""Entra's provisioning service, as far as groups go: each is made without members, then patched.

A member is sent once his account is known, by the id that the application gave it; a group in a group is not sent.

Source: "Tutorial: Develop and plan provisioning for a SCIM endpoint", section "Group operations",
https://learn.microsoft.com/entra/identity/app-provisioning/use-scim-to-provision-users-and-groups#group-operations
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import requests
from pydantic import BaseModel, ConfigDict

from local.entra.groups import Groups
from local.entra.requests import Dialect, group_body, members_body, rename_body
from local.zoho_one.scim_application import RefusedError, ScimApplication

MOST_MEMBERS = 100
"""In one PATCH."""


class GroupReport(BaseModel):
    """What a cycle did for one group. With an `error`, it did not get through and the next cycle tries again."""

    model_config = ConfigDict(frozen=True)

    group_id: str
    display_name: str
    done: tuple[str, ...] = ()
    error: str | None = None


@dataclass
class _Link:
    """What the service remembers of one group."""

    application_id: str
    display_name: str
    members: set[str] = field(default_factory=set)
    """The ids of the accounts that were sent."""


class GroupProvisioning:
    """Brings the assigned groups of a directory over."""

    def __init__(
        self, groups: Groups, application: ScimApplication, dialect: Dialect, user_id: Callable[[str], str | None]
    ) -> None:
        """``user_id``: what the application calls a person who has been provisioned."""
        self._groups, self._application, self._dialect, self._user_id = groups, application, dialect, user_id
        self._links: dict[str, _Link] = {}

    def cycle(self) -> tuple[GroupReport, ...]:
        """Bring over what has changed; groups for which there was nothing to do are not in the answer.

        Raises QuarantinedError.
        """
        gone = [group_id for group_id in self._links if group_id not in self._groups]
        wanted = [group_id for group_id in self._groups.assigned if group_id in self._groups]
        reports = [self._brought(group_id) for group_id in (*gone, *wanted)]
        return tuple(report for report in reports if report.done or report.error)

    def _brought(self, group_id: str) -> GroupReport:
        name, done = self._groups.name(group_id), list[str]()
        try:
            if group_id in self._groups:
                self._bring_over(group_id, done)
            else:
                self._application.delete(self._links[group_id].application_id)
                del self._links[group_id]
                done.append("deleted")
        except (RefusedError, requests.RequestException) as error:
            return GroupReport(group_id=group_id, display_name=name, done=tuple(done), error=str(error))
        return GroupReport(group_id=group_id, display_name=name, done=tuple(done))

    def _bring_over(self, group_id: str, done: list[str]) -> None:
        name, link = self._groups.name(group_id), self._links.get(group_id)
        if link is None:
            found = self._application.find("displayName", name)
            application_id = found["id"] if found else self._application.create(group_body(name, group_id))
            link = self._links[group_id] = _Link(str(application_id), name)
            done.append("matched" if found else "created")
        if link.display_name != name:
            self._application.patch(link.application_id, rename_body(name, self._dialect))
            link.display_name = name
            done.append("renamed")
        known = {self._user_id(member) for member in self._groups.members(group_id)}
        members = {user_id for user_id in known if user_id is not None}
        for adds, people in ((False, link.members - members), (True, members - link.members)):
            for start in range(0, len(people), MOST_MEMBERS):
                some = sorted(people)[start : start + MOST_MEMBERS]
                self._application.patch(link.application_id, members_body(some, self._dialect, adds=adds))
            if people:
                done.append(f"{len(people)} {'added' if adds else 'removed'}")
        link.members = members
