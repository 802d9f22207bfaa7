"""Entra's default attribute mapping for a SCIM application: where each SCIM attribute comes from.

Source: "Tutorial: Develop a SCIM endpoint", table "Default user attribute mapping",
https://learn.microsoft.com/entra/identity/app-provisioning/use-scim-to-provision-users-and-groups
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from local.entra.person import Person
from local.zoho_one.scim_path import ENTERPRISE, ScimPath

USER_NAME = "userName"
ACTIVE = "active"
FORMATTED_NAME = "name.formatted"
MANAGER = f"{ENTERPRISE}:manager"  # a reference, so it is sent by itself, after both people exist


@dataclass(frozen=True)
class AttributeMapping:
    """One line of the mapping: the expression as the portal shows it, the target, and the expression as a function."""

    source: str
    target: str
    of: Callable[[Person], str | None]

    @cached_property
    def path(self) -> ScimPath:
        """The parsed target."""
        return ScimPath.parse(self.target)


def is_soft_deleted(person: Person) -> bool:
    """Return what Entra's mappings call IsSoftDeleted: disabled, or in the recycle bin."""
    return person.deleted_date_time is not None or not person.account_enabled


def _active(person: Person) -> str:
    # Switch gives text, which is why `active` travels as "True" and "False".
    return "False" if is_soft_deleted(person) else "True"


def _formatted_name(person: Person) -> str:
    return " ".join(part for part in (person.given_name, person.surname) if part)


def _first_business_phone(person: Person) -> str | None:
    return next(iter(person.business_phones), None)


DEFAULT_MAPPING = (
    AttributeMapping("userPrincipalName", USER_NAME, lambda person: person.mapped_name),
    AttributeMapping('Switch([IsSoftDeleted], , "False", "True", "True", "False")', ACTIVE, _active),
    AttributeMapping("displayName", "displayName", lambda person: person.display_name),
    AttributeMapping("jobTitle", "title", lambda person: person.job_title),
    AttributeMapping("mail", 'emails[type eq "work"].value', lambda person: person.mail),
    AttributeMapping("preferredLanguage", "preferredLanguage", lambda person: person.preferred_language),
    AttributeMapping("givenName", "name.givenName", lambda person: person.given_name),
    AttributeMapping("surname", "name.familyName", lambda person: person.surname),
    AttributeMapping('Join(" ", [givenName], [surname])', FORMATTED_NAME, _formatted_name),
    AttributeMapping(
        "physicalDeliveryOfficeName", 'addresses[type eq "work"].formatted', lambda person: person.office_location
    ),
    AttributeMapping("streetAddress", 'addresses[type eq "work"].streetAddress', lambda person: person.street_address),
    AttributeMapping("city", 'addresses[type eq "work"].locality', lambda person: person.city),
    AttributeMapping("state", 'addresses[type eq "work"].region', lambda person: person.state),
    AttributeMapping("postalCode", 'addresses[type eq "work"].postalCode', lambda person: person.postal_code),
    AttributeMapping("country", 'addresses[type eq "work"].country', lambda person: person.country),
    AttributeMapping("telephoneNumber", 'phoneNumbers[type eq "work"].value', _first_business_phone),
    AttributeMapping("mobile", 'phoneNumbers[type eq "mobile"].value', lambda person: person.mobile_phone),
    AttributeMapping("facsimileTelephoneNumber", 'phoneNumbers[type eq "fax"].value', lambda person: person.fax_number),
    AttributeMapping("mailNickname", "externalId", lambda person: person.mail_nickname),
    AttributeMapping("employeeId", f"{ENTERPRISE}:employeeNumber", lambda person: person.employee_id),
    AttributeMapping("department", f"{ENTERPRISE}:department", lambda person: person.department),
)


def mapped_values(person: Person) -> dict[str, str]:
    """Return the mapping's values for a person, by target path.

    Empty values are left out: Entra does not clear attributes of applications. Source:
    https://learn.microsoft.com/entra/identity/app-provisioning/clear-attribute-values, "Preview scope and limitations":
    not for outbound application provisioning.
    """
    values = ((mapping.target, mapping.of(person)) for mapping in DEFAULT_MAPPING)
    return {target: value for target, value in values if value}
