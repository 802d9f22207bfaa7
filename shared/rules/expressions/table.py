"""All functions of "Reference for writing expressions for attribute mappings in Microsoft Entra ID", in its order, and
those that other pages of Microsoft's have.

https://learn.microsoft.com/entra/identity/app-provisioning/functions-for-customizing-application-data
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final

from shared.rules.expressions import (
    choice_functions,
    conditions,
    conversion_functions,
    date_functions,
    list_functions,
    random_functions,
    replace,
    text_functions,
)
from shared.rules.expressions.function import Function
from shared.rules.expressions.values import Value

FUNCTIONS: Final[Mapping[str, Function]] = MappingProxyType(
    {
        function.name: function
        for function in (
            text_functions.append,
            list_functions.app_role_assignments,
            list_functions.app_role_assignments_complex,
            list_functions.assertive_app_role_assignments_complex,
            conversion_functions.bit_and,
            conditions.c_bool,
            date_functions.c_date,
            choice_functions.coalesce,
            text_functions.convert_to_base64,
            text_functions.convert_to_utf8_hex,
            list_functions.count,
            conversion_functions.c_str,
            date_functions.date_add,
            date_functions.date_diff,
            date_functions.date_from_num,
            conversion_functions.default_domain,
            date_functions.format_date_time,
            random_functions.guid,
            choice_functions.ignore_flow_if_null_or_empty,
            choice_functions.iif,
            text_functions.in_str,
            conditions.is_null_function,
            conditions.is_null_or_empty_function,
            conditions.is_present,
            conditions.is_string,
            list_functions.item,
            list_functions.join,
            text_functions.left,
            text_functions.mid,
            text_functions.normalize_diacritics,
            conditions.not_function,
            date_functions.now,
            date_functions.num_from_date,
            text_functions.pcase,
            random_functions.random_string,
            conversion_functions.redact,
            list_functions.remove_duplicates,
            replace.replace,
            random_functions.select_unique_value,
            list_functions.single_app_role_assignment,
            list_functions.split,
            text_functions.strip_spaces,
            choice_functions.switch,
            text_functions.to_lower,
            text_functions.to_upper,
            text_functions.word,
        )
    }
)
"""Every function by its name in the reference's spelling."""

EXAMPLE_ATTRIBUTES: Final[Mapping[str, Value]] = MappingProxyType(
    {
        "IsSoftDeleted": False,
        "appRoleAssignments": ("Editor", "Viewer"),
        "city": "Chennai",
        "country": None,
        "department": "Sales",
        "displayName": "John Doe",
        "dn": "cn=Joe,dc=contoso,dc=com",
        "extensionAttribute1": "20150123105347.1Z",
        "extensionAttribute5": "PermissionSetOne, PermissionSetTwo",
        "givenName": "John",
        "mail": None,
        "mailNickname": "john.doe",
        "middleName": None,
        "proxyAddresses": ("SMTP:john.doe@contoso.com", "smtp:jd@contoso.com", "smtp:jd@contoso.com"),
        "state": "QLD",
        "surname": "Doe",
        "telephoneNumber": "+91 9998887777",
        "userPrincipalName": "John.Doe@contoso.com",
    }
)
"""The person in the functions' examples."""

EXAMPLE_NOW: Final = datetime(2021, 7, 2, 15, 33, 38, tzinfo=UTC)
"""The time in the functions' examples."""

EXAMPLE_DOMAIN: Final = "contoso.com"
"""The tenant's default domain in the functions' examples."""

EXAMPLE_TAKEN: Final = frozenset({"john.doe"})
"""The values taken in the functions' examples."""
