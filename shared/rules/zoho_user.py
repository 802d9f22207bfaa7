"""One account as Zoho One holds it: the fields that the bridge may set, and their place in Zoho One's SCIM."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from types import MappingProxyType
from typing import Literal

from pydantic import ConfigDict, JsonValue

from shared.model import Model
from shared.rules.scim_path import ENTERPRISE, USER, Resource, ScimPath
from shared.rules.user_name import folded

ZOHO = "urn:ietf:params:scim:schemas:extension:zohoone:2.0:User"
"""An assumption: Zoho One does not document a SCIM attribute for Work Location. A store may set another path."""


class ZohoField(StrEnum):
    """The fields of a Zoho One account that a mapping can fill."""

    USER_NAME = "userName"
    DISPLAY_NAME = "displayName"
    GIVEN_NAME = "givenName"
    FAMILY_NAME = "familyName"
    FORMATTED_NAME = "formattedName"
    EMAIL = "email"
    TITLE = "title"
    PREFERRED_LANGUAGE = "preferredLanguage"
    EXTERNAL_ID = "externalId"
    ADDRESS = "address"
    STREET_ADDRESS = "streetAddress"
    LOCALITY = "locality"
    REGION = "region"
    POSTAL_CODE = "postalCode"
    COUNTRY = "country"
    PHONE = "phone"
    MOBILE = "mobile"
    FAX = "fax"
    DEPARTMENT = "department"
    EMPLOYEE_NUMBER = "employeeNumber"
    MANAGER = "manager"
    WORK_LOCATION = "workLocation"
    CUSTOM_1 = "custom1"
    CUSTOM_2 = "custom2"
    CUSTOM_3 = "custom3"
    CUSTOM_4 = "custom4"
    CUSTOM_5 = "custom5"
    CUSTOM_6 = "custom6"
    CUSTOM_7 = "custom7"
    CUSTOM_8 = "custom8"
    CUSTOM_9 = "custom9"
    CUSTOM_10 = "custom10"
    CUSTOM_11 = "custom11"
    CUSTOM_12 = "custom12"
    CUSTOM_13 = "custom13"
    CUSTOM_14 = "custom14"
    CUSTOM_15 = "custom15"

    @property
    def is_custom(self) -> bool:
        """Whether it is one of the fifteen that an administrator defines, as Entra has fifteen extension attributes."""
        return self.value.startswith("custom")


CUSTOM_FIELDS = tuple(field for field in ZohoField if field.is_custom)


@dataclass(frozen=True)
class ZohoFieldFacts:
    """What is known of one field. Each field holds one text; ``manager`` holds the id of another account."""

    path: ScimPath
    label: str
    description: str
    required: bool = False
    extension: bool = False
    """Whether the field is absent from the attributes that Zoho One documents for SCIM: a store has to switch it on."""


def _facts(path: str, label: str, description: str, required: bool = False, extension: bool = False) -> ZohoFieldFacts:
    return ZohoFieldFacts(ScimPath.parse(path), label, description, required, extension)


_WORK = 'addresses[type eq "work"]'
ZOHO_FIELDS: Mapping[ZohoField, ZohoFieldFacts] = MappingProxyType(
    {
        ZohoField.USER_NAME: _facts("userName", "User name", "Sign-in name, unique in the organisation", required=True),
        ZohoField.DISPLAY_NAME: _facts("displayName", "Display name", "Name shown to colleagues"),
        ZohoField.GIVEN_NAME: _facts("name.givenName", "First name", "First name"),
        ZohoField.FAMILY_NAME: _facts("name.familyName", "Last name", "Last name"),
        ZohoField.FORMATTED_NAME: _facts("name.formatted", "Full name", "First and last name in one text"),
        ZohoField.EMAIL: _facts('emails[type eq "work"].value', "Email address", "Work email address"),
        ZohoField.TITLE: _facts("title", "Designation", "Job title"),
        ZohoField.PREFERRED_LANGUAGE: _facts("preferredLanguage", "Language", "As in en-US"),
        ZohoField.EXTERNAL_ID: _facts("externalId", "External id", "Entra's own name for the person"),
        ZohoField.ADDRESS: _facts(f"{_WORK}.formatted", "Address", "Work address in one text"),
        ZohoField.STREET_ADDRESS: _facts(f"{_WORK}.streetAddress", "Street address", "Street and number"),
        ZohoField.LOCALITY: _facts(f"{_WORK}.locality", "City", "City"),
        ZohoField.REGION: _facts(f"{_WORK}.region", "State", "State or province"),
        ZohoField.POSTAL_CODE: _facts(f"{_WORK}.postalCode", "Postal code", "Postal code"),
        ZohoField.COUNTRY: _facts(f"{_WORK}.country", "Country", "Country or region"),
        ZohoField.PHONE: _facts('phoneNumbers[type eq "work"].value', "Work phone", "Work phone"),
        ZohoField.MOBILE: _facts('phoneNumbers[type eq "mobile"].value', "Mobile", "Mobile phone"),
        ZohoField.FAX: _facts('phoneNumbers[type eq "fax"].value', "Fax", "Fax"),
        ZohoField.DEPARTMENT: _facts(f"{ENTERPRISE}:department", "Department", "Department", extension=True),
        ZohoField.EMPLOYEE_NUMBER: _facts(
            f"{ENTERPRISE}:employeeNumber", "Employee number", "Number in the personnel system", extension=True
        ),
        ZohoField.MANAGER: _facts(
            f"{ENTERPRISE}:manager.value", "Reporting to", "The Zoho One account of the manager", extension=True
        ),
        ZohoField.WORK_LOCATION: _facts(f"{ZOHO}:workLocation", "Work Location", "Work location", extension=True),
        **{
            field: _facts(field, f"Custom field {field.removeprefix('custom')}", "Defined by the store", extension=True)
            for field in CUSTOM_FIELDS
        },
    }
)
"""https://learn.microsoft.com/entra/identity/saas-apps/zoho-one-provisioning-tutorial, step 5; the extensions are
fields that Zoho One's REST interface has.
"""

CASELESS = frozenset({ZohoField.USER_NAME, ZohoField.EMAIL})
"""Fields whose letter case does not count (RFC 7643 §4.1.1, §4.1.2): Zoho One may keep them in lower case."""

type Paths = Mapping[ZohoField, ScimPath]
"""The fields that a store uses, and their place in its Zoho One's SCIM."""


class ZohoUser(Model):
    """What one account holds, or should hold. A field without a value is absent."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    active: bool
    fields: dict[ZohoField, str]

    @property
    def user_name(self) -> str:
        """The sign-in name; every desired account has one."""
        return self.fields[ZohoField.USER_NAME]


type Desired = ZohoUser | Literal["deleted"] | None
"""The desired state of a person in Zoho One: an account, its deletion, or None if the bridge manages nothing."""


def is_same(field: ZohoField, value: str | None, shown: str | None) -> bool:
    """Whether Zoho One shows a value as it was sent, or as it keeps such values; None is absent."""
    if value is None or shown is None:
        return value == shown
    if field in CASELESS:
        return folded(value) == folded(shown)
    return value == shown or (field.is_custom and _plain(value) == _plain(shown))


def _plain(text: str) -> str | Decimal:
    """Return a custom field's value as it is compared: a number is the same however it is written."""
    try:
        number = Decimal(text)
    except InvalidOperation:
        return text.lower() if text.lower() in ("true", "false") else text
    return number if number.is_finite() else text


def to_scim(user: ZohoUser, paths: Paths) -> Resource:
    """Return the account as a SCIM User (RFC 7643 §4.1)."""
    schemas: list[JsonValue] = [USER]
    resource: Resource = {"schemas": schemas, "active": user.active}
    for field, value in user.fields.items():
        path = paths[field]
        path.put(resource, value)
        if path.schema is not None and path.schema not in schemas:
            schemas.append(path.schema)
    return resource


def from_scim(resource: Mapping[str, JsonValue], paths: Paths) -> ZohoUser:
    """Return the account in a SCIM User from Zoho One. An absent ``active`` means active (RFC 7643 §4.1.1)."""
    found = {field: path.get(resource) for field, path in paths.items()}
    return ZohoUser(
        active=resource.get("active") is not False,
        fields={field: str(value) for field, value in found.items() if value not in (None, "")},
    )
