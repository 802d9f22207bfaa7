"""Attribute mapping: which value of a person in Azure fills which field of his account in Zoho One.

The seed's step 7: "map the fields available in Zoho One to the fields available in Microsoft Azure."
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_snake

from shared.directory.azure_user import AzureUser, Value
from shared.directory.zoho_user import ZohoField


class ProfileField(BaseModel):
    """The value of a property that every person in Entra has, by its Microsoft Graph name."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["profile field"] = "profile field"
    field: str


class HardCodedValue(BaseModel):
    """One value for every person: "Main Building" for Work Location."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["hard-coded value"] = "hard-coded value"
    value: str


class Rule(BaseModel):
    """How one field of Zoho One is filled."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    target: ZohoField
    source: Annotated[ProfileField | HardCodedValue, Field(discriminator="kind")]


class Mapping(BaseModel):
    """A store's rules, at most one for each field of Zoho One."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rules: tuple[Rule, ...]

    def fields_for(self, person: AzureUser) -> dict[ZohoField, str]:
        """What Zoho One should hold of a person. A field whose source is empty is absent."""
        values = ((rule.target, _text(_value(rule, person))) for rule in self.rules)
        return {target: text for target, text in values if text}


def _value(rule: Rule, person: AzureUser) -> Value:
    match rule.source:
        case HardCodedValue(value=value):
            return value
        case ProfileField(field=field):
            found: Value = getattr(person, to_snake(field))
            return found


def _text(value: Value) -> str:
    """A value as Zoho One takes it: its fields hold one text each, so the first of several values stands for all."""
    if isinstance(value, tuple):
        return value[0] if value else ""
    if isinstance(value, bool):
        return str(value)
    return value or ""


DEFAULT_MAPPING = Mapping(
    rules=tuple(
        Rule(target=target, source=ProfileField(field=field))
        for target, field in {
            ZohoField.USER_NAME: "userPrincipalName",
            ZohoField.DISPLAY_NAME: "displayName",
            ZohoField.GIVEN_NAME: "givenName",
            ZohoField.FAMILY_NAME: "surname",
            ZohoField.EMAIL: "mail",
            ZohoField.TITLE: "jobTitle",
            ZohoField.PREFERRED_LANGUAGE: "preferredLanguage",
            ZohoField.EXTERNAL_ID: "mailNickname",
            ZohoField.ADDRESS: "officeLocation",
            ZohoField.STREET_ADDRESS: "streetAddress",
            ZohoField.LOCALITY: "city",
            ZohoField.REGION: "state",
            ZohoField.POSTAL_CODE: "postalCode",
            ZohoField.COUNTRY: "country",
            ZohoField.PHONE: "businessPhones",
            ZohoField.MOBILE: "mobilePhone",
            ZohoField.FAX: "faxNumber",
        }.items()
    )
)
"""What a new store starts with: the mapping of Entra's gallery app for Zoho One.

https://learn.microsoft.com/entra/identity/saas-apps/zoho-one-provisioning-tutorial, step 5.
"""
