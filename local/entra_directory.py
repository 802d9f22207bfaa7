"""The simulated Entra's users, and what an administrator does with them."""

from collections.abc import Iterable
from datetime import UTC, datetime

from local.person import Person


class UnknownPersonError(LookupError):
    """Nobody has this id: he never existed, or was deleted for good."""


class EntraDirectory:
    """The people of one tenant, and which of them are assigned to the Zoho One app.

    Every operation raises UnknownPersonError for an id nobody has.
    """

    def __init__(self, people: Iterable[Person]) -> None:
        """Begin with these people, all of them assigned to the app."""
        self._people = {person.id: person for person in people}
        self._assigned = set(self._people)

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
        return person_id in self._assigned

    def create(self, person: Person) -> None:
        """Add a person and assign him to the app."""
        self._people[person.id] = person
        self._assigned.add(person.id)

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
        """Move a person to the recycle bin, where Entra keeps him for 30 days."""
        self._change(person_id, deleted_date_time=datetime.now(UTC))

    def restore(self, person_id: str) -> None:
        """Take a person out of the recycle bin."""
        self._change(person_id, deleted_date_time=None)

    def hard_delete(self, person_id: str) -> None:
        """Delete a person for good; whoever he managed has no manager then.

        Raises ValueError if he is not in the recycle bin, the only place from where Entra deletes for good.
        """
        if self.get(person_id).deleted_date_time is None:
            raise ValueError(f"{person_id} is not in the recycle bin")
        del self._people[person_id]
        self._assigned.discard(person_id)
        for report in self.people():
            if report.manager == person_id:
                self.change_manager(report.id, None)

    def assign(self, person_id: str) -> None:
        """Take a person into the scope of provisioning."""
        self._assigned.add(self.get(person_id).id)

    def unassign(self, person_id: str) -> None:
        """Take a person out of the scope of provisioning."""
        self._assigned.discard(self.get(person_id).id)

    def _change(self, person_id: str, **fields: object) -> None:
        self._people[person_id] = self.get(person_id).model_copy(update=fields)
