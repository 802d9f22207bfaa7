"""Attribute mapping: which value of a person in Azure fills which field of their account in Zoho One.

The seed's step 7: "map the fields available in Zoho One to the fields available in Microsoft Azure."
"""

from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from shared.model import Model
from shared.rules.zoho_user import ZohoField


class _Part(Model):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ProfileField(_Part):
    """The value of a property that every user in Entra has, by its Microsoft Graph name."""

    kind: Literal["profile field"] = "profile field"
    field: str = Field(description="As in docs/mapping.md, for example jobTitle")

    def __str__(self) -> str:
        return f"[{self.field}]"


class HardCodedValue(_Part):
    """One value for every person: "Main Building" for Work Location."""

    kind: Literal["hard-coded value"] = "hard-coded value"
    value: str = Field(min_length=1, max_length=1000)

    def __str__(self) -> str:
        return f'"{self.value}"'


class CustomAttribute(_Part):
    """The value of a directory extension; its name is case-sensitive."""

    kind: Literal["custom attribute"] = "custom attribute"
    name: str = Field(min_length=1, max_length=200)

    def __str__(self) -> str:
        return f"custom attribute {self.name}"


class ExpressionSource(_Part):
    """A value computed in Entra's own expression language."""

    kind: Literal["expression"] = "expression"
    expression: str = Field(min_length=1, max_length=10_000)

    def __str__(self) -> str:
        return self.expression


type Source = Annotated[ProfileField | HardCodedValue | CustomAttribute | ExpressionSource, Field(discriminator="kind")]


type When = Literal["always", "only during object creation"]
ON_CREATION: When = "only during object creation"


class Rule(_Part):
    """How one field of Zoho One is filled."""

    target: ZohoField
    source: Source
    default: str | None = Field(default=None, max_length=1000, description="The value if the source has none")
    default_at: When | None = Field(
        default=None,
        exclude_if=lambda chosen: chosen is None,
        description="When the default is given. Entra gives it only during object creation; left out: always",
    )
    apply: When = "always"

    @property
    def is_default_of_before(self) -> bool:
        """Whether nobody has chosen when the default is given: always, as in releases that had no choice."""
        return self.default is not None and self.default_at is None

    def __str__(self) -> str:
        default = f', or "{self.default}"' if self.default else ""
        if self.default and self.default_at == ON_CREATION:
            default += " in a new account"
        return f"{self.source}{default}" + (", only during object creation" if self.apply != "always" else "")


LONGEST_MAPPING = 50_000
"""Maximum size of a mapping's JSON in UTF-16 units. An entity of Table Storage holds 1 MiB: a version stores the
mapping itself and the difference, which repeats each rule before and after. 3 × 50,000 units leave room for the rest,
even as Azurite counts: six bytes for each unit beyond ASCII.
"""


class Mapping(_Part):
    """A store's rules. ``mapping/check.py`` validates them."""

    rules: tuple[Rule, ...] = Field(max_length=50)

    @model_validator(mode="after")
    def _can_be_saved(self) -> Self:
        length = len(self.model_dump_json().encode("utf-16-le")) // 2
        if length > LONGEST_MAPPING:
            raise ValueError(
                f"the mapping is too long: as JSON it has {length:,} characters, of {LONGEST_MAPPING:,} at the most"
            )
        return self


def _profile(target: ZohoField, field: str) -> Rule:
    return Rule(target=target, source=ProfileField(field=field))


DEFAULT_MAPPING = Mapping(
    rules=(
        _profile(ZohoField.USER_NAME, "userPrincipalName"),
        _profile(ZohoField.DISPLAY_NAME, "displayName"),
        _profile(ZohoField.GIVEN_NAME, "givenName"),
        _profile(ZohoField.FAMILY_NAME, "surname"),
        Rule(
            target=ZohoField.FORMATTED_NAME,
            source=ExpressionSource(expression='Join(" ", [givenName], [surname])'),
        ),
        _profile(ZohoField.EMAIL, "mail"),
        _profile(ZohoField.TITLE, "jobTitle"),
        _profile(ZohoField.PREFERRED_LANGUAGE, "preferredLanguage"),
        _profile(ZohoField.EXTERNAL_ID, "mailNickname"),
        _profile(ZohoField.ADDRESS, "officeLocation"),
        _profile(ZohoField.STREET_ADDRESS, "streetAddress"),
        _profile(ZohoField.LOCALITY, "city"),
        _profile(ZohoField.REGION, "state"),
        _profile(ZohoField.POSTAL_CODE, "postalCode"),
        _profile(ZohoField.COUNTRY, "country"),
        _profile(ZohoField.PHONE, "businessPhones"),
        _profile(ZohoField.MOBILE, "mobilePhone"),
        _profile(ZohoField.FAX, "faxNumber"),
    )
)
"""A new store's mapping: that of Entra's gallery app for Zoho One.

https://learn.microsoft.com/entra/identity/saas-apps/zoho-one-provisioning-tutorial, step 5.
"""


class RuleChange(_Part):
    """One field's rule before and after, as an administrator reads it; None is no rule."""

    target: ZohoField
    before: str | None
    after: str | None


def difference(before: Mapping, after: Mapping) -> tuple[RuleChange, ...]:
    """Return what replacing ``before`` with ``after`` changes."""
    old = {rule.target: rule for rule in before.rules}
    new = {rule.target: rule for rule in after.rules}
    return tuple(
        RuleChange(
            target=target,
            before=str(old[target]) if target in old else None,
            after=str(new[target]) if target in new else None,
        )
        for target in ZohoField
        if old.get(target) != new.get(target)
    )
