"""One user of Entra ID, as Microsoft Graph shows them."""

from datetime import datetime
from uuid import NAMESPACE_DNS, uuid5

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel


class Person(BaseModel):
    """A user, with the fields and names of Graph's `user` resource.

    `manager` is the id of another person: Graph has a relation there, and Entra's mappings call it an attribute. A
    person with a `deleted_date_time` is in the recycle bin, from where they can be restored for 30 days.

    Source: https://learn.microsoft.com/graph/api/resources/user
    """

    model_config = ConfigDict(alias_generator=to_camel, validate_by_name=True, extra="forbid", frozen=True)

    id: str
    user_principal_name: str
    display_name: str
    mail_nickname: str
    account_enabled: bool = True
    user_type: str = "Member"
    mail: str | None = None
    given_name: str | None = None
    surname: str | None = None
    job_title: str | None = None
    department: str | None = None
    company_name: str | None = None
    employee_id: str | None = None
    office_location: str | None = None
    street_address: str | None = None
    city: str | None = None
    state: str | None = None
    postal_code: str | None = None
    country: str | None = None
    preferred_language: str | None = None
    mobile_phone: str | None = None
    business_phones: tuple[str, ...] = ()
    fax_number: str | None = None
    manager: str | None = None
    deleted_date_time: datetime | None = None

    @property
    def own_name(self) -> str:
        """The original user principal name, also in the recycle bin, where Entra shows another."""
        return self.user_principal_name.removeprefix(_prefix(self.id) if self.deleted_date_time else "")

    @property
    def mapped_name(self) -> str:
        """The name that the provisioning service maps: a guest's without #EXT# and the tenant's domain.

        https://learn.microsoft.com/entra/identity/app-provisioning/how-provisioning-works, "B2B (guest) users"
        """
        address, marker, _ = self.user_principal_name.partition("#EXT#@")
        alias, _, domain = address.rpartition("_")
        return f"{alias}@{domain}" if marker else self.user_principal_name

    @property
    def account_name(self) -> str:
        """The userName of the account in Zoho One, also of somebody in the recycle bin."""
        return self.model_copy(update={"user_principal_name": self.own_name}).mapped_name

    def in_bin(self, at: datetime) -> "Person":
        """Return the user as Entra shows them in its recycle bin: it frees the name and the address.

        https://github.com/onyx-dot-app/onyx/pull/14074
        """
        prefix = _prefix(self.id)
        names = {"user_principal_name": prefix + self.user_principal_name, "mail": self.mail and prefix + self.mail}
        return self.model_copy(update=names | {"deleted_date_time": at})

    def out_of_bin(self) -> "Person":
        """Return the user as Entra shows them after restoring."""
        names = {"user_principal_name": self.own_name, "mail": self.mail and self.mail.removeprefix(_prefix(self.id))}
        return self.model_copy(update=names | {"deleted_date_time": None})


def _prefix(object_id: str) -> str:
    return object_id.replace("-", "")


def id_of(user_principal_name: str) -> str:
    """Return the object id of a user created with this name, the same on every run."""
    return str(uuid5(NAMESPACE_DNS, user_principal_name))
