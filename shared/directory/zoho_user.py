"""One account as Zoho One holds it: the fields the bridge may set, and their place in Zoho One's SCIM."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Literal

from pydantic import BaseModel, ConfigDict, JsonValue

from shared.directory.scim_path import Resource, ScimPath

USER = "urn:ietf:params:scim:schemas:core:2.0:User"


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


@dataclass(frozen=True)
class ZohoFieldFacts:
    """What is known of one field."""

    path: ScimPath
    description: str
    required: bool = False


def _facts(path: str, description: str, required: bool = False) -> ZohoFieldFacts:
    return ZohoFieldFacts(ScimPath.parse(path), description, required)


ZOHO_FIELDS: Mapping[ZohoField, ZohoFieldFacts] = MappingProxyType(
    {
        ZohoField.USER_NAME: _facts("userName", "Sign-in name, unique in the organisation", required=True),
        ZohoField.DISPLAY_NAME: _facts("displayName", "Name shown to colleagues"),
        ZohoField.GIVEN_NAME: _facts("name.givenName", "First name"),
        ZohoField.FAMILY_NAME: _facts("name.familyName", "Last name"),
        ZohoField.FORMATTED_NAME: _facts("name.formatted", "Full name"),
        ZohoField.EMAIL: _facts('emails[type eq "work"].value', "Work email address"),
        ZohoField.TITLE: _facts("title", "Designation"),
        ZohoField.PREFERRED_LANGUAGE: _facts("preferredLanguage", "Language, as in en-US"),
        ZohoField.EXTERNAL_ID: _facts("externalId", "Entra's own name for the person"),
        ZohoField.ADDRESS: _facts('addresses[type eq "work"].formatted', "Work address in one line"),
        ZohoField.STREET_ADDRESS: _facts('addresses[type eq "work"].streetAddress', "Street"),
        ZohoField.LOCALITY: _facts('addresses[type eq "work"].locality', "City"),
        ZohoField.REGION: _facts('addresses[type eq "work"].region', "State or province"),
        ZohoField.POSTAL_CODE: _facts('addresses[type eq "work"].postalCode', "Postal code"),
        ZohoField.COUNTRY: _facts('addresses[type eq "work"].country', "Country"),
        ZohoField.PHONE: _facts('phoneNumbers[type eq "work"].value', "Work phone"),
        ZohoField.MOBILE: _facts('phoneNumbers[type eq "mobile"].value', "Mobile phone"),
        ZohoField.FAX: _facts('phoneNumbers[type eq "fax"].value', "Fax"),
    }
)
"""https://learn.microsoft.com/entra/identity/saas-apps/zoho-one-provisioning-tutorial, step 5."""


class ZohoUser(BaseModel):
    """What Zoho One holds, or should hold, of one account. A field without a value is absent."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    active: bool
    fields: dict[ZohoField, str]

    @property
    def user_name(self) -> str:
        """The sign-in name; a mapping without it is not valid."""
        return self.fields[ZohoField.USER_NAME]


type Desired = ZohoUser | Literal["deleted"] | None
"""What Zoho One should hold of a person: an account, its deletion, or nothing that the bridge has a say in."""


def to_scim(user: ZohoUser) -> Resource:
    """The account as a SCIM User (RFC 7643 §4.1)."""
    schemas: list[JsonValue] = [USER]
    resource: Resource = {"schemas": schemas, "active": user.active}
    for field, value in user.fields.items():
        path = ZOHO_FIELDS[field].path
        path.put(resource, value)
        if path.schema is not None and path.schema not in schemas:
            schemas.append(path.schema)
    return resource


def from_scim(resource: Mapping[str, JsonValue]) -> ZohoUser:
    """The account behind a SCIM User that Zoho One answered. Absent ``active`` means active (RFC 7643 §4.1.1)."""
    found = {field: facts.path.get(resource) for field, facts in ZOHO_FIELDS.items()}
    return ZohoUser(
        active=resource.get("active") is not False,
        fields={field: str(value) for field, value in found.items() if value not in (None, "")},
    )
