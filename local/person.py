"""One user of Entra ID, as Microsoft Graph shows him."""

from datetime import datetime
from uuid import NAMESPACE_DNS, uuid5

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel


class Person(BaseModel):
    """A user, with the fields and names of Graph's `user` resource.

    `manager` is the id of another person: Graph has a relation there, and Entra's mappings call it an attribute.
    A person with a `deleted_date_time` lies in the recycle bin, from where he can be restored for 30 days.

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


def id_of(user_principal_name: str) -> str:
    """Return the object id of whoever was created with this name, the same on every run."""
    return str(uuid5(NAMESPACE_DNS, user_principal_name))
