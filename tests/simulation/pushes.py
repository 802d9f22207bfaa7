"""Entra's provisioning service, and what its requests say of whom."""

import json
from dataclasses import replace
from typing import Any
from urllib.parse import unquote, urlsplit

from local.entra.directory import EntraDirectory
from local.entra.mapping import DEFAULT_MAPPING, MANAGER, USER_NAME
from local.entra.provisioning_service import PersonReport, ProvisioningService
from local.entra.requests import Dialect
from local.walkthrough.group_provisioning import GroupProvisioning
from tests.simulation.observed import Group, Person, Push
from tests.simulation.observer import Observer

_GRAPH_NAMES = {
    "physicalDeliveryOfficeName": "officeLocation",
    "telephoneNumber": "businessPhones",
    "mobile": "mobilePhone",
    "facsimileTelephoneNumber": "faxNumber",
}


class _Groups(GroupProvisioning):
    """The groups' part, which says whom it is at."""

    about = ""

    def _brought(self, group_id: str) -> Any:
        self.about = group_id
        try:
            return super()._brought(group_id)
        finally:
            self.about = ""


class Service(ProvisioningService):
    """The service, which says whom it is at. One cycle runs at a time, as in Entra."""

    def __init__(self, directory: EntraDirectory, tenant_url: str, secret_token: str) -> None:
        super().__init__(directory, tenant_url, secret_token)
        groups = self._groups
        self._groups = _Groups(groups._groups, groups._application, groups._dialect, groups._user_id)
        self.person = ""
        self.busy = False

    @property
    def about(self) -> str:
        """The object id of the person or group that the request under way is about."""
        return self._groups.about or self.person  # type: ignore[attr-defined]  # made above

    def alone(self, work: Any) -> None:
        """Do something unless the service is at work already."""
        if self.busy:
            return
        self.busy = True
        try:
            work()
        finally:
            self.busy = False

    def object_of(self, user_id: str) -> str | None:
        """Whose account this is, by the bridge's id."""
        return next((known for known, link in self._links.items() if link.user_id == user_id), None)

    def _provision(self, person_id: str, dialect: Dialect) -> PersonReport:
        self.person = person_id
        try:
            return super()._provision(person_id, dialect)
        finally:
            self.person = ""

    def _refer_to_manager(self, report: PersonReport, dialect: Dialect) -> PersonReport:
        self.person = report.person_id
        try:
            return super()._refer_to_manager(report, dialect)
        finally:
            self.person = ""


class Told:
    """What the pushes that were accepted say of each object."""

    def __init__(self, service: Service, observer: Observer) -> None:
        self._service, self._observer = service, observer
        self._people: dict[str, dict[str, str]] = {}
        self._unclear: set[str] = set()
        """Whom the last request that was not understood, or not answered, was about."""
        self._told_once: set[str] = set()
        """Those of them of whom nothing had been told before."""
        self._members: dict[str, Group] = {}
        self._ids: dict[str, str] = {}
        """Object ids by the bridge's ids of people."""

    def answered(self, method: str, url: str, body: bytes, status: int, answer: bytes) -> None:
        """A request was answered; 0: it was not."""
        parts = unquote(urlsplit(url).path).split("/")
        if method == "GET":
            self._read(answer if status == 200 else b"")
            return
        about, collection, key = self._service.about, parts[3], parts[4] if len(parts) > 4 else None
        said = json.loads(body) if body else {}
        if collection == "Users" and method == "POST" and status < 300 and status:
            key = json.loads(answer)["id"]
            self._ids[key] = about
        told: Person | Group | None = None
        if method != "DELETE":
            if collection == "Users" and 200 <= status < 300:
                self._read(answer)  # whether the request before it, which was not answered, took effect
            told = self._person(about, said, status) if collection == "Users" else self._group(about, said, status)
        elif 0 < status < 300:
            self._people.pop(about, None)
        self._observer.pushes.append(
            Push(self._observer.now, about, method, status, told, key if collection == "Users" else None)  # type: ignore[arg-type]  # of the four
        )

    def _read(self, answer: bytes) -> None:
        """What the endpoint shows after a request without an answer is what Entra compares with: that has been said."""
        about = self._service.about
        if about not in self._unclear or about not in self._people or not answer:
            return
        shown = json.loads(answer)
        shown = shown if "Resources" not in shown else next(iter(shown["Resources"]), None)
        if shown and "userName" in shown:  # not the answer to whether somebody has a manager
            values = {each.target: text for each in DEFAULT_MAPPING if (text := each.path.read(shown))}
            kept = (MANAGER, "active") if about in self._told_once else (MANAGER,)  # who is left inactive is shown so
            self._people[about] = values | {name: text for name, text in self._people[about].items() if name in kept}

    def _person(self, about: str, said: dict[str, Any], status: int) -> Person:
        first = about in self._told_once or about not in self._people
        values = dict(self._people.get(about, {}))
        if "Operations" in said:
            for path, value in _operations(said):
                values.update({path: value} if value else {})
                if not value:
                    values.pop(path, None)
        else:
            values = {each.target: text for each in DEFAULT_MAPPING if (text := each.path.read(said))}
        if not 300 <= status < 500:
            # Refused it is nothing. Unanswered it may have been done: what Entra reads next says what was.
            self._people[about] = values
        self._unclear.discard(about)
        self._told_once.discard(about)
        if status >= 500 or status == 0:
            self._unclear.add(about)
            self._told_once.update({about} if first else ())
        attributes = {}
        for each in DEFAULT_MAPPING:
            name = _GRAPH_NAMES.get(each.source, each.source)
            if each.target in values and name.isalpha() and each.target != USER_NAME:
                attributes[name] = values[each.target]
        upn, prefix = values.get(USER_NAME, ""), about.replace("-", "")
        attributes |= {"mail": attributes["mail"].removeprefix(prefix)} if "mail" in attributes else {}
        manager = self._ids.get(values.get(MANAGER, ""))
        enabled = values.get("active", "True") == "True"
        return Person(about, upn.removeprefix(prefix), enabled, attributes=attributes, manager=manager)

    def _object(self, person: str) -> str:
        """The object id of a row of the bridge's: the service may have found it after a creation without an answer."""
        return self._ids.get(person) or self._service.object_of(person) or ""

    def _group(self, about: str, said: dict[str, Any], status: int) -> Group:
        group = self._members.get(about, Group(about, "", assigned=True))
        if "Operations" not in said:
            group = replace(group, name=said["displayName"])
        for operation in said.get("Operations", ()):
            value = operation.get("value")
            if str(operation.get("path", "")).startswith("members["):
                gone = operation["path"].split('"')[1]
                group = replace(group, members=group.members - {self._object(gone)})
            elif operation.get("path") == "members":
                people = frozenset(self._object(each["value"]) for each in value or ())
                adds = operation["op"].lower() == "add"
                group = replace(group, members=group.members | people if adds else group.members - people)
            else:
                group = replace(group, name=value["displayName"] if isinstance(value, dict) else value)
        if not 300 <= status < 500:  # as for people
            self._members[about] = group
        return group


def _operations(said: dict[str, Any]) -> list[tuple[str, str]]:
    """Each path with its text; an empty one where it is taken away."""
    found = []
    for operation in said["Operations"]:
        value = operation.get("value")
        if operation.get("path") is None:
            found += [(path, str(each)) for path, each in value.items()]
        elif operation["path"] in ("manager", MANAGER):
            first = value[0] if isinstance(value, list) and value else value
            found.append((MANAGER, str(first["value"]) if isinstance(first, dict) else str(first or "")))
        else:
            found.append((operation["path"], "" if operation["op"].lower() == "remove" else str(value)))
    return found
