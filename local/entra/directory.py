"""The simulated Entra's users, and what an administrator does with them."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, NamedTuple

from pydantic.alias_generators import to_camel

from local.entra.directory_extensions import check_extensions, further_properties
from local.entra.groups import Groups
from local.entra.person import Person, id_of


class UnknownPersonError(LookupError):
    """Nobody has this id: he never existed, or was deleted for good."""


class Change(NamedTuple):
    """One entry of the directory's change log; its number is its place in it."""

    person_id: str
    fields: frozenset[str]
    """By Graph's names; ``*`` where the person came, or came back."""
    former_manager: str | None = None


class EntraDirectory:
    """The people of one tenant, and which of them are assigned to the Zoho One app.

    Every operation raises UnknownPersonError for an id nobody has.
    """

    def __init__(self, people: Iterable[Person]) -> None:
        """Begin with these people, all of them assigned to the app."""
        self._first = tuple(people)
        self.begin_again()

    def begin_again(self) -> None:
        """Forget whatever happened."""
        self._people = {person.id: person for person in self._first}
        self._assigned = dict.fromkeys(self._people)
        self.groups = Groups()
        self.created = list(self._people)
        """The ids of everyone who ever was there, in the order of their creation."""
        self.changes: list[Change] = []
        """What happened since the beginning, in its order."""
        self._further: dict[str, dict[str, Any]] = further_properties()

    def people(self) -> list[Person]:
        """Return everyone, those in the recycle bin included, in the order of their creation."""
        return list(self._people.values())

    def find(self, person_id: str) -> Person | None:
        """Return a person, or None if there is none: he never existed, or was deleted for good."""
        return self._people.get(person_id)

    def get(self, person_id: str) -> Person:
        """Return a person."""
        person = self.find(person_id)
        if person is None:
            raise UnknownPersonError(person_id)
        return person

    def is_assigned(self, person_id: str) -> bool:
        """Tell whether a person is in the scope of provisioning."""
        return person_id in self._assigned or self.groups.bring_in(person_id)

    def assigned(self) -> list[str]:
        """Return the ids of those who are assigned themselves, in the order of their assignment."""
        return list(self._assigned)

    def further(self, person_id: str) -> dict[str, Any]:
        """Return the properties of a person that Person has no field for, by Graph's names."""
        return self._further.get(person_id, {})

    def create(self, person: Person) -> None:
        """Add a person and assign him to the app."""
        self._people[person.id] = person
        self.created.append(person.id)
        self._assigned[person.id] = None
        self.changes.append(Change(person.id, frozenset("*")))

    def invite(self, mail: str, display_name: str) -> Person:
        """Invite a guest: his name is made of his address, and of the domain of the first who was there.

        Source: https://learn.microsoft.com/entra/external-id/user-properties
        """
        tenant = self._first[0].user_principal_name.rpartition("@")[2]
        nickname = f"{mail.replace('@', '_')}#EXT#"
        name = f"{nickname}@{tenant}"
        guest = Person(
            id=id_of(name),
            user_principal_name=name,
            display_name=display_name,
            mail_nickname=nickname,
            mail=mail,
            user_type="Guest",
        )
        self.create(guest)
        return guest

    def change(self, person_id: str, values: dict[str, Any]) -> None:
        """Change any properties of a person, by Graph's names. Raises ValueError for a wrong value."""
        check_extensions(values)
        person = self.get(person_id)
        known = {to_camel(name) for name in Person.model_fields}
        fields = {name: value for name, value in values.items() if name in known}
        changed = Person.model_validate(person.model_dump(by_alias=True) | fields)
        further = {name: value for name, value in values.items() if name not in known}
        self._further[person_id] = self.further(person_id) | further
        self._people[person_id] = changed
        self.changes.append(Change(person_id, frozenset(values), person.manager))

    def disable(self, person_id: str) -> None:
        """Block a person's sign-in (`accountEnabled`)."""
        self._change(person_id, account_enabled=False)

    def enable(self, person_id: str) -> None:
        """Let a person sign in again."""
        self._change(person_id, account_enabled=True)

    def rename(
        self,
        person_id: str,
        *,
        user_principal_name: str,
        given_name: str | None,
        surname: str | None,
        display_name: str,
    ) -> None:
        """Give a person another name; his mail address and mail nickname follow the user principal name."""
        self._change(
            person_id,
            user_principal_name=user_principal_name,
            given_name=given_name,
            surname=surname,
            display_name=display_name,
            mail=user_principal_name,
            mail_nickname=user_principal_name.partition("@")[0],
        )

    def change_job(self, person_id: str, *, job_title: str | None, department: str | None) -> None:
        """Give a person another job."""
        self._change(person_id, job_title=job_title, department=department)

    def change_manager(self, person_id: str, manager: str | None) -> None:
        """Put a person under another manager, or under none."""
        self._change(person_id, manager=None if manager is None else self.get(manager).id)

    def soft_delete(self, person_id: str) -> None:
        """Move a person to the recycle bin, where Entra keeps him for 30 days under another name."""
        self._put(self.get(person_id).in_bin(datetime.now(UTC)))
        self.groups.note(person_id)

    def restore(self, person_id: str) -> None:
        """Take a person out of the recycle bin."""
        self._put(self.get(person_id).out_of_bin())
        self.groups.note(person_id)

    def hard_delete(self, person_id: str) -> None:
        """Delete a person for good; whoever he managed has no manager then.

        Raises ValueError if he is not in the recycle bin, the only place from where Entra deletes for good.
        """
        if self.get(person_id).deleted_date_time is None:
            raise ValueError(f"{person_id} is not in the recycle bin")
        del self._people[person_id]
        self._assigned.pop(person_id, None)
        self.groups.forget(person_id)
        self.changes.append(Change(person_id, frozenset("*")))
        for report in self.people():
            if report.manager == person_id:
                self.change_manager(report.id, None)

    def assign(self, person_id: str) -> None:
        """Take a person into the scope of provisioning."""
        self._assigned[self.get(person_id).id] = None

    def unassign(self, person_id: str) -> None:
        """Take a person out of the scope of provisioning."""
        self._assigned.pop(self.get(person_id).id, None)

    def _change(self, person_id: str, **fields: object) -> None:
        person = self.get(person_id)
        self._people[person_id] = person.model_copy(update=fields)
        self.changes.append(Change(person_id, frozenset(map(to_camel, fields)), person.manager))

    def _put(self, person: Person) -> None:
        """A person who came or went, as he is now."""
        self._people[person.id] = person
        self.changes.append(Change(person.id, frozenset("*"), person.manager))
