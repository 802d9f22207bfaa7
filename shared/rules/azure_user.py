"""One person as Microsoft Entra ID holds him, whichever way the bridge learned it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from operator import attrgetter
from types import MappingProxyType
from typing import Annotated

from pydantic import ConfigDict, Field, JsonValue
from pydantic.alias_generators import to_camel

from shared.model import Model
from shared.rules.scim_path import ENTERPRISE, ENTRA, ScimPath

type Value = bool | str | tuple[str, ...] | None


class FieldType(StrEnum):
    """What a property holds."""

    TEXT = "text"
    TEXTS = "texts"
    YES_NO = "yes/no"
    DATE = "date"
    PERSON = "person"


class AzureUser(Model):
    """A user with the names and the meaning that Microsoft Graph gives his properties.

    https://learn.microsoft.com/graph/api/resources/user
    """

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)

    user_principal_name: str = Field(description="Sign-in name, unique in the tenant")
    account_enabled: bool = Field(default=True, description="Whether he may sign in")
    given_name: str | None = Field(default=None, description="First name")
    surname: str | None = Field(default=None, description="Last name")
    display_name: str | None = Field(default=None, description="Name shown to colleagues")
    mail: str | None = Field(default=None, description="Work email address")
    mail_nickname: str | None = Field(default=None, description="Mail alias: the part of the address before the @")
    other_mails: tuple[str, ...] = Field(default=(), description="Further email addresses, often private ones")
    job_title: str | None = Field(default=None, description="Job title")
    department: str | None = Field(default=None, description="Department")
    company_name: str | None = Field(default=None, description="Company, of guests above all")
    employee_id: str | None = Field(default=None, description="Employee number")
    employee_type: str | None = Field(default=None, description="Kind of employment: employee, contractor, …")
    employee_hire_date: Annotated[str | None, FieldType.DATE] = Field(default=None, description="First day, ISO 8601")
    office_location: str | None = Field(default=None, description="Office")
    street_address: str | None = Field(default=None, description="Street and number")
    city: str | None = Field(default=None, description="City")
    state: str | None = Field(default=None, description="State or province")
    postal_code: str | None = Field(default=None, description="Postal code")
    country: str | None = Field(default=None, description="Country or region")
    usage_location: str | None = Field(default=None, description="Country of licence, two letters of ISO 3166")
    preferred_language: str | None = Field(default=None, description="Language, as in en-US")
    mobile_phone: str | None = Field(default=None, description="Mobile phone")
    business_phones: tuple[str, ...] = Field(default=(), description="Work phones; Entra holds at most one")
    fax_number: str | None = Field(default=None, description="Fax")
    manager: Annotated[str | None, FieldType.PERSON] = Field(default=None, description="The id of his manager")
    on_premises_sam_account_name: str | None = Field(default=None, description="Account name in Active Directory")
    extension_attributes: dict[str, str] = Field(default_factory=dict, description="extensionAttribute1 to 15")
    custom: dict[str, str | tuple[str, ...]] = Field(default_factory=dict, description="Directory extensions, by name")


EXTENSION_ATTRIBUTES = tuple(f"extensionAttribute{number}" for number in range(1, 16))
"""Exchange's custom attributes; in Graph ``onPremisesExtensionAttributes``."""


@dataclass(frozen=True)
class AzureField:
    """What is known of a property that every person has."""

    name: str
    type: FieldType
    required: bool
    description: str

    @property
    def multi_valued(self) -> bool:
        """Whether it holds several values."""
        return self.type is FieldType.TEXTS


def _catalogue() -> dict[str, AzureField]:
    types = {str: FieldType.TEXT, bool: FieldType.YES_NO, tuple[str, ...]: FieldType.TEXTS, str | None: FieldType.TEXT}
    fields = {}
    for snake, info in AzureUser.model_fields.items():
        if snake in ("extension_attributes", "custom"):
            continue
        marked = next((mark for mark in info.metadata if isinstance(mark, FieldType)), None)
        name, kind = to_camel(snake), marked or types[info.annotation]  # type: ignore[index]  # every field has a type
        fields[name] = AzureField(name, kind, info.is_required(), info.description or "")
    for name in EXTENSION_ATTRIBUTES:
        fields[name] = AzureField(name, FieldType.TEXT, False, "Custom attribute of Exchange and Active Directory")
    return fields


AZURE_FIELDS: Mapping[str, AzureField] = MappingProxyType(_catalogue())

ENTRA_NAMES: Mapping[str, str] = MappingProxyType(
    {
        "telephoneNumber": "businessPhones",
        "mobile": "mobilePhone",
        "facsimileTelephoneNumber": "faxNumber",
        "physicalDeliveryOfficeName": "officeLocation",
    }
)
"""The names that Entra's mapping pages use where Graph has others, so that expressions can be pasted."""

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

EXTENDED_SOURCES: Mapping[str, ScimPath] = MappingProxyType(
    {name: ScimPath.parse(f"{ENTRA}:{name}") for name in AZURE_FIELDS if name not in SCIM_SOURCES}
    | {"mailNickname": ScimPath.parse(f"{ENTRA}:mailNickname")}
    | {"otherMails": ScimPath.parse('emails[type eq "other"].value')}
)
"""Where the bridge takes what Entra's default mapping leaves out: an administrator may add these targets in Entra.

Directory extensions stand in the same extension under their own names, as far as a store lists them.
"""


def value_of(name: str) -> Callable[[AzureUser], Value]:
    """How a property is read, by its Graph name or Entra's. Raises KeyError for a name that no catalogue has."""
    name = ENTRA_NAMES.get(name, name)
    if name == "IsSoftDeleted":
        # Entra's own mapping of ``active`` is Switch([IsSoftDeleted], , "False", "True", "True", "False").
        return lambda person: str(not person.account_enabled)
    if AZURE_FIELDS[name].name in EXTENSION_ATTRIBUTES:
        return lambda person: person.extension_attributes.get(name)
    read: Callable[[AzureUser], Value] = attrgetter(_SNAKE[name])
    return read


_SNAKE = {to_camel(snake): snake for snake in AzureUser.model_fields}


def from_scim(resource: Mapping[str, JsonValue]) -> AzureUser:
    """The person behind a SCIM User that Entra wrote: the inverse of Entra's default attribute mapping.

    An absent ``active`` is an enabled account, of somebody of whom nothing else is known: of others, see scim_user.
    Raises pydantic.ValidationError where the resource is not a valid SCIM User.
    """
    found: dict[str, JsonValue] = {name: path.get(resource) for name, path in SCIM_SOURCES.items()}
    extended = {name: path.get(resource) for name, path in EXTENDED_SOURCES.items()}
    found |= {name: value for name, value in extended.items() if value not in (None, "")}
    found["custom"] = _custom(resource.get(ENTRA))
    phone = found.pop("businessPhones")
    found["businessPhones"] = [phone] if phone else []
    found["otherMails"] = [mail] if (mail := found.get("otherMails")) else []
    return _person(found)


def from_graph(user: Mapping[str, JsonValue]) -> AzureUser:
    """The person behind a user that Microsoft Graph answered; directory extensions are the keys ``extension_…``.

    Raises pydantic.ValidationError where it is not a valid user.
    """
    found: dict[str, JsonValue] = {
        name: user.get(name) for name in _SNAKE if name not in ("extensionAttributes", "custom")
    }
    extensions = user.get("onPremisesExtensionAttributes")
    named = {**extensions, **user} if isinstance(extensions, Mapping) else user
    found |= {name: extension_text(named[name]) for name in EXTENSION_ATTRIBUTES if name in named}
    manager = user.get("manager")
    found["manager"] = manager.get("id") if isinstance(manager, Mapping) else manager
    texts = {name: extension_text(value) for name, value in user.items() if name.startswith("extension_")}
    found["custom"] = {name: text for name, text in texts.items() if text not in (None, "", [])}
    return _person(found)


def extension_text(value: JsonValue) -> JsonValue:
    """The value of a directory extension of any data type: a text, a list of texts, or None where it is unset.

    Booleans become "True" and "False", as Entra's own mapping expressions write them, and numbers decimal. What Graph
    sends as text stays as it is: DateTime in ISO 8601, Binary in base64. A value of no data type that Graph knows, such
    as an object, is returned as it came, for a caller to refuse.
    https://learn.microsoft.com/graph/api/application-post-extensionproperty (dataType, isMultiValued)
    """
    if isinstance(value, list):
        return [extension_text(each) for each in value if each not in (None, "")]
    return str(value) if isinstance(value, bool | int | float) else value


def _person(found: dict[str, JsonValue]) -> AzureUser:
    extensions = {name: value for name in EXTENSION_ATTRIBUTES if (value := found.pop(name, None)) not in (None, "")}
    known = {name: value for name, value in found.items() if value not in (None, "")}
    return AzureUser.model_validate(known | {"extensionAttributes": extensions})


def _custom(extension: JsonValue) -> dict[str, JsonValue]:
    """Directory extensions: what stands beside the properties that every person has."""
    if not isinstance(extension, Mapping):
        return {}
    return {name: value for name, value in extension.items() if name not in AZURE_FIELDS and value not in (None, "")}
