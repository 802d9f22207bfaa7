"""The functions of the reference page that build, split or count multi-valued attributes."""

from shared.rules.expressions.errors import RefusedError
from shared.rules.expressions.function import INTEGER, PLAIN, ROLES_PAGE, TEXT, VALUES, Parameter, function
from shared.rules.expressions.limits import MAX_TEXT


@function("Count", Parameter("attribute", VALUES), example="Count([proxyAddresses])", result="3")
def count(attribute: tuple[str, ...]) -> int:
    """Returns how many values a multi-valued attribute has. A single value counts 1, null and "" count 0."""
    return len(attribute)


@function(
    "Item",
    Parameter("attribute", VALUES),
    Parameter("index", INTEGER),
    example="Item([proxyAddresses], 1)",
    result='"SMTP:john.doe@contoso.com"',
)
def item(attribute: tuple[str, ...], index: int) -> str | None:
    """Returns the value with that index, counted from 1.

    Where the page is silent, as in Entra Connect: an index without a value is refused, also 0, which the page advises
    against. For null the result is null, whatever the index.
    """
    if not attribute:
        return None
    if not 1 <= index <= len(attribute):
        raise RefusedError(f"the index {index} is not between 1 and {len(attribute)}, the number of values")
    return attribute[index - 1]


@function(
    "Join",
    Parameter("separator", PLAIN),
    Parameter("source1", VALUES, repeating=True),
    example='Join(", ", "", [surname], [givenName])',
    result='"Doe, John"',
)
def join(separator: str, *sources: tuple[str, ...]) -> str:
    """Joins texts, and every value of multi-valued attributes, with the separator between them.

    Null and empty sources are left out together with their separator, as the page's example 'Join(", ", "", …)' shows.
    Where the page is silent: without any source the result is "".
    """
    parts = [text for source in sources for text in source if text]
    if sum(map(len, parts)) + len(separator) * len(parts) > MAX_TEXT:
        raise RefusedError(f"the text has more than {MAX_TEXT:,} characters")
    return separator.join(parts)


@function(
    "RemoveDuplicates",
    Parameter("attribute", VALUES),
    example="RemoveDuplicates([proxyAddresses])",
    result='["SMTP:john.doe@contoso.com", "smtp:jd@contoso.com"]',
)
def remove_duplicates(attribute: tuple[str, ...]) -> tuple[str, ...]:
    """Keeps the first of equal values. Where the page is silent: the comparison is case-sensitive, as for SMTP:
    and smtp:.
    """
    return tuple(dict.fromkeys(attribute))


@function(
    "Split",
    Parameter("source", TEXT),
    Parameter("delimiter", PLAIN),
    example='Split([extensionAttribute5], ",")',
    result='["PermissionSetOne", "PermissionSetTwo"]',
)
def split(source: str | None, delimiter: str) -> tuple[str, ...] | None:
    """Splits a text at each delimiter.

    White space around the values is removed, as the page's example shows without saying so. Where it is silent: between
    two adjacent delimiters there is an empty value, several characters are one delimiter, an empty delimiter does not
    split, null stays null and "" has no values.
    """
    if source is None:
        return None
    if not source:
        return ()
    return tuple(part.strip() for part in source.split(delimiter)) if delimiter else (source,)


@function(
    "SingleAppRoleAssignment",
    Parameter("[appRoleAssignments]", VALUES),
    example="SingleAppRoleAssignment([appRoleAssignments])",
    result='"Editor"',
)
def single_app_role_assignment(assignments: tuple[str, ...]) -> str | None:
    """Returns the name of the user's only app role, or null.

    The page does not support users with several roles; for them this function returns the first in the order given.
    """
    return assignments[0] if assignments else None


@function(
    "AppRoleAssignmentsComplex",
    Parameter("[appRoleAssignments]", VALUES),
    example="AppRoleAssignmentsComplex([appRoleAssignments])",
    result='["Editor", "Viewer"]',
)
def app_role_assignments_complex(assignments: tuple[str, ...]) -> tuple[str, ...]:
    """Returns every app role of the user, as a multi-valued attribute of role names.

    In Entra each is an object that also has an id and a display name; Zoho One's fields hold text only.
    """
    return assignments


@function(
    "AssertiveAppRoleAssignmentsComplex",
    Parameter("[appRoleAssignments]", VALUES),
    example="AssertiveAppRoleAssignmentsComplex([appRoleAssignments])",
    result='["Editor", "Viewer"]',
    page=ROLES_PAGE,
)
def assertive_app_role_assignments_complex(assignments: tuple[str, ...]) -> tuple[str, ...]:
    """Returns every app role of the user, as AppRoleAssignmentsComplex does.

    Entra's two functions differ in how changes are sent: this one also takes away roles that the user no longer has.
    The reference page does not list it; the page on provisioning a role, which does, is followed.
    """
    return assignments


@function(
    "AppRoleAssignments",
    Parameter("[appRoleAssignments]", VALUES),
    example="AppRoleAssignments([appRoleAssignments])",
    result='["Editor", "Viewer"]',
    page=ROLES_PAGE,
)
def app_role_assignments(assignments: tuple[str, ...]) -> tuple[str, ...]:
    """Returns the names of every app role of the user.

    No page of Microsoft's describes it; guides of other applications use it with [appRoleAssignments] alone.
    """
    return assignments
