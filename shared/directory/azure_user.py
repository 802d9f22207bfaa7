"""One person as Microsoft Entra ID holds him, whichever way the bridge learned it."""

from collections.abc import Mapping
from types import MappingProxyType

from pydantic import BaseModel, ConfigDict, JsonValue
from pydantic.alias_generators import to_camel

from shared.directory.scim_path import ScimPath

ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"

type Value = bool | str | tuple[str, ...] | None


class AzureUser(BaseModel):
    """A user with the names Microsoft Graph gives his properties.

    https://learn.microsoft.com/graph/api/resources/user
    """

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)

    user_principal_name: str
    account_enabled: bool = True
    given_name: str | None = None
    surname: str | None = None
    display_name: str | None = None
    mail: str | None = None
    mail_nickname: str | None = None
    job_title: str | None = None
    department: str | None = None
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


SCIM_SOURCES: Mapping[str, ScimPath] = MappingProxyType(
    {
        name: ScimPath.parse(path)
        for name, path in {
            "userPrincipalName": "userName",
            "accountEnabled": "active",
            "displayName": "displayName",
            "jobTitle": "title",
            "mail": 'emails[type eq "work"].value',
            "preferredLanguage": "preferredLanguage",
            "givenName": "name.givenName",
            "surname": "name.familyName",
            "officeLocation": 'addresses[type eq "work"].formatted',
            "streetAddress": 'addresses[type eq "work"].streetAddress',
            "city": 'addresses[type eq "work"].locality',
            "state": 'addresses[type eq "work"].region',
            "postalCode": 'addresses[type eq "work"].postalCode',
            "country": 'addresses[type eq "work"].country',
            "businessPhones": 'phoneNumbers[type eq "work"].value',
            "mobilePhone": 'phoneNumbers[type eq "mobile"].value',
            "faxNumber": 'phoneNumbers[type eq "fax"].value',
            "mailNickname": "externalId",
            "employeeId": f"{ENTERPRISE}:employeeNumber",
            "department": f"{ENTERPRISE}:department",
            "manager": f"{ENTERPRISE}:manager.value",
        }.items()
    }
)
"""Where Entra's default attribute mapping for a SCIM application puts each Graph property: read backwards here.

https://learn.microsoft.com/entra/identity/app-provisioning/use-scim-to-provision-users-and-groups, "Table 1".
"""


def from_scim(resource: Mapping[str, JsonValue]) -> AzureUser:
    """The person behind a SCIM User that Entra wrote: the inverse of Entra's default attribute mapping.

    An absent ``active`` is an enabled account: Entra leaves it out only where nobody maps it.
    Raises pydantic.ValidationError where the resource is not a valid SCIM User.
    """
    found = {name: path.get(resource) for name, path in SCIM_SOURCES.items()}
    phone = found.pop("businessPhones")
    return AzureUser.model_validate(
        {name: value for name, value in found.items() if value not in (None, "")}
        | {"businessPhones": (phone,) if phone else ()}
    )
