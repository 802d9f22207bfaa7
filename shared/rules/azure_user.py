"""One person as Microsoft Entra ID holds them, from whatever source the bridge learned of them."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from operator import attrgetter
from types import MappingProxyType
from typing import Annotated, Any

from pydantic import ConfigDict, Field, JsonValue, model_validator
from pydantic.alias_generators import to_camel

from shared.model import Model
from shared.rules.guests import mapped_name
from shared.rules.scim_path import ENTERPRISE, ENTRA, ScimPath

type Value = bool | str | tuple[str, ...] | None


class FieldType(StrEnum):
    """The data type of a property."""

    TEXT = "text"
    TEXTS = "texts"
    YES_NO = "yes/no"
    DATE = "date"
    PERSON = "person"


class AzureUser(Model):
    """A user, with Microsoft Graph's property names and meanings.

    https://learn.microsoft.com/graph/api/resources/user
    """

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)

    user_principal_name: str = Field(
        description="Sign-in name, unique in the tenant; of a guest their own address, as Entra maps it"
    )
    original_user_principal_name: str | None = Field(
        default=None, description="Sign-in name as Entra stores it, of a guest with #EXT#"
    )
    account_enabled: bool = Field(default=True, description="Whether the user may sign in")
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
    user_type: str | None = Field(default=None, description="Member or Guest")
    object_id: str | None = Field(default=None, description="The user's id in Entra; Graph calls it id")
    proxy_addresses: tuple[str, ...] = Field(default=(), description="All addresses, as in SMTP:ann@contoso.com")
    created_date_time: Annotated[str | None, FieldType.DATE] = Field(
        default=None, description="When the user was created, ISO 8601"
    )
    employee_leave_date_time: Annotated[str | None, FieldType.DATE] = Field(
        default=None,
        description="Last day, ISO 8601; Graph shows it only with the permission User-LifeCycleInfo.Read.All",
    )
    employee_org_data_division: str | None = Field(
        default=None, alias="employeeOrgData.division", description="Division"
    )
    employee_org_data_cost_center: str | None = Field(
        default=None, alias="employeeOrgData.costCenter", description="Cost center"
    )
    preferred_language: str | None = Field(default=None, description="Language, as in en-US")
    mobile_phone: str | None = Field(default=None, description="Mobile phone")
    business_phones: tuple[str, ...] = Field(default=(), description="Work phones; Entra holds at most one")
    fax_number: str | None = Field(default=None, description="Fax")
    manager: Annotated[str | None, FieldType.PERSON] = Field(default=None, description="The id of the user's manager")
    on_premises_sam_account_name: str | None = Field(default=None, description="Account name in Active Directory")
    on_premises_security_identifier: str | None = Field(default=None, description="SID in Active Directory")
    on_premises_immutable_id: str | None = Field(default=None, description="Source anchor of Entra Connect")
    on_premises_distinguished_name: str | None = Field(default=None, description="Place in Active Directory")
    on_premises_domain_name: str | None = Field(default=None, description="Domain in Active Directory, as DNS name")
    on_premises_user_principal_name: str | None = Field(default=None, description="Sign-in name in Active Directory")
    extension_attributes: dict[str, str] = Field(default_factory=dict, description="extensionAttribute1 to 15")
    custom: dict[str, str | tuple[str, ...]] = Field(default_factory=dict, description="Directory extensions, by name")

    @model_validator(mode="before")
    @classmethod
    def _named_as_entra_maps(cls, given: Any) -> Any:
        """Take a guest's name from wherever it comes, rows of earlier releases included, in the form that Entra maps.

        The form that Entra stores is kept beside it. Any other name is the original as well.
        """
        name = given.get("userPrincipalName", given.get("user_principal_name")) if isinstance(given, dict) else None
        if not isinstance(name, str) or (mapped := mapped_name(name)) == name:
            return given
        rest = {key: value for key, value in given.items() if key not in ("userPrincipalName", "user_principal_name")}
        original = given.get("originalUserPrincipalName", given.get("original_user_principal_name"))
        rest.pop("original_user_principal_name", None)
        return rest | {"userPrincipalName": mapped, "originalUserPrincipalName": original or name}

    @property
    def is_guest(self) -> bool:
        """Whether the user is a guest: by their type, or if that is not known, by their name."""
        if self.user_type:
            return self.user_type.casefold() == "guest"
        return self.original_user_principal_name is not None and (
            mapped_name(self.original_user_principal_name) != self.original_user_principal_name
        )


EXTENSION_ATTRIBUTES = tuple(f"extensionAttribute{number}" for number in range(1, 16))
"""Exchange's custom attributes; in Graph ``onPremisesExtensionAttributes``."""


@dataclass(frozen=True)
class AzureField:
    """What is known of a property that every user has."""

    name: str
    type: FieldType
    required: bool
    description: str

    @property
    def multi_valued(self) -> bool:
        """Whether the property holds several values."""
        return self.type is FieldType.TEXTS


def _catalogue() -> dict[str, AzureField]:
    types = {str: FieldType.TEXT, bool: FieldType.YES_NO, tuple[str, ...]: FieldType.TEXTS, str | None: FieldType.TEXT}
    fields = {}
    for snake, info in AzureUser.model_fields.items():
        if snake in ("extension_attributes", "custom"):
            continue
        marked = next((mark for mark in info.metadata if isinstance(mark, FieldType)), None)
        name, kind = str(info.alias), marked or types[info.annotation]  # type: ignore[index]  # every field has a type
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
        "immutableId": "onPremisesImmutableId",
    }
)
"""Names that Entra's mapping pages use where Graph has others, so that expressions can be pasted unchanged."""

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
            "employeeOrgData.division": f"{ENTERPRISE}:division",
            "employeeOrgData.costCenter": f"{ENTERPRISE}:costCenter",
            "manager": f"{ENTERPRISE}:manager.value",
        }.items()
    }
)
"""The place of each Graph property in Entra's default attribute mapping for a SCIM application, read in reverse here;
division and cost center have a place in SCIM, too (RFC 7643 §4.3).

https://learn.microsoft.com/entra/identity/app-provisioning/use-scim-to-provision-users-and-groups, "Table 1".
"""

EXTENDED_SOURCES: Mapping[str, ScimPath] = MappingProxyType(
    {name: ScimPath.parse(f"{ENTRA}:{name}") for name in AZURE_FIELDS if name not in SCIM_SOURCES}
    | {"mailNickname": ScimPath.parse(f"{ENTRA}:mailNickname")}
    | {"otherMails": ScimPath.parse('emails[type eq "other"].value')}
)
"""The place of properties that Entra's default mapping leaves out: an administrator may add these targets in Entra.

Directory extensions have their own names in the same schema extension, if the store lists them.
"""


def value_of(name: str) -> Callable[[AzureUser], Value]:
    """Return the function that reads a property, by its Graph name or Entra's. Raises KeyError for an unknown name."""
    name = ENTRA_NAMES.get(name, name)
    if name == "IsSoftDeleted":
        # Entra's own mapping of ``active`` is Switch([IsSoftDeleted], , "False", "True", "True", "False").
        return lambda person: str(not person.account_enabled)
    if name == "originalUserPrincipalName":
        return lambda person: person.original_user_principal_name or person.user_principal_name
    if AZURE_FIELDS[name].name in EXTENSION_ATTRIBUTES:
        return lambda person: person.extension_attributes.get(name)
    read: Callable[[AzureUser], Value] = attrgetter(SNAKE[name])
    return read


SNAKE: Mapping[str, str] = MappingProxyType({str(info.alias): snake for snake, info in AzureUser.model_fields.items()})
"""The name in Python of each property."""

OBJECT_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
"""Form of an object id; many mappings push it as externalId."""


def from_scim(resource: Mapping[str, JsonValue]) -> AzureUser:
    """Return the person described by a SCIM User that Entra wrote: the inverse of Entra's default attribute mapping.

    An absent ``active`` means an enabled account. This is right for a new person; for known people see scim_user.
    Raises pydantic.ValidationError if the resource is not a valid SCIM User.
    """
    found: dict[str, JsonValue] = {name: path.get(resource) for name, path in SCIM_SOURCES.items()}
    extended = {name: path.get(resource) for name, path in EXTENDED_SOURCES.items()}
    found = extended | {name: value for name, value in found.items() if not extended.get(name)}
    found["custom"] = _custom(resource.get(ENTRA))
    phone = found.pop("businessPhones")
    found["businessPhones"] = [phone] if phone else []
    found["otherMails"] = [mail] if (mail := found.get("otherMails")) else []
    if not found["objectId"] and isinstance(external := resource.get("externalId"), str):
        found["objectId"] = external.lower() if OBJECT_ID.fullmatch(external) else None
    return _person(found)


def from_graph(user: Mapping[str, JsonValue]) -> AzureUser:
    """Return the person described by a user from Microsoft Graph; directory extensions are the keys ``extension_…``.

    Raises pydantic.ValidationError if it is not a valid user.
    """
    found: dict[str, JsonValue] = {
        name: _part(user, name) for name in SNAKE if name not in ("extensionAttributes", "custom")
    }
    found["objectId"] = user.get("id") or user.get("objectId")
    extensions = user.get("onPremisesExtensionAttributes")
    named = {**extensions, **user} if isinstance(extensions, Mapping) else user
    found |= {name: extension_text(named[name]) for name in EXTENSION_ATTRIBUTES if name in named}
    manager = user.get("manager")
    found["manager"] = manager.get("id") if isinstance(manager, Mapping) else manager
    texts = {name: extension_text(value) for name, value in user.items() if name.startswith("extension_")}
    found["custom"] = {name: text for name, text in texts.items() if text not in (None, "", [])}
    return _person(found)


def _part(user: Mapping[str, JsonValue], name: str) -> JsonValue:
    """Return a property, or the part of one that is an object in Graph."""
    whole, _, part = name.partition(".")
    value = user.get(whole)
    return value.get(part) if part and isinstance(value, Mapping) else None if part else value


def extension_text(value: JsonValue) -> JsonValue:
    """Convert the value of a directory extension of any data type to text, a list of texts, or None if unset.

    Booleans become "True" and "False", as Entra's own mapping expressions write them; numbers become decimal. Text from
    Graph stays unchanged: DateTime in ISO 8601, Binary in base64. A value of a data type unknown to Graph, such as an
    object, is returned unchanged for the caller to refuse.
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
    """Return the directory extensions: everything beside the properties that every user has."""
    if not isinstance(extension, Mapping):
        return {}
    return {
        name: value for name, value in extension.items() if name not in AZURE_FIELDS and value not in (None, "", [])
    }
