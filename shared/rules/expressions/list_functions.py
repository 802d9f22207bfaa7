"""The functions of the reference page that make, take apart or count multi-valued attributes."""

from shared.rules.expressions.errors import RefusedError
from shared.rules.expressions.function import INTEGER, PLAIN, TEXT, VALUES, Parameter, function
from shared.rules.expressions.limits import MAX_TEXT


@function("Count", Parameter("attribute", VALUES), example="Count([proxyAddresses])", result="3")
def count(attribute: tuple[str, ...]) -> int:
    """Answers how many values a multi-valued attribute has. Of a single value that is 1, of null or "" it is 0."""
    return len(attribute)


@function(
    "Item",
    Parameter("attribute", VALUES),
    Parameter("index", INTEGER),
    example="Item([proxyAddresses], 1)",
    result='"SMTP:john.doe@contoso.com"',
)
def item(attribute: tuple[str, ...], index: int) -> str | None:
    """Answers the value with that index, counted from 1.

    Where the page is silent, as in Entra Connect: an index for which there is no value is refused, also 0, of which the
    page says not to use it. Of null, whatever the index, the answer is null.
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
    Where the page is silent: nothing to join gives "".
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
    """Keeps the first of equal values. Where the page is silent: upper and lower case differ, as SMTP: and smtp: do."""
    return tuple(dict.fromkeys(attribute))


@function(
    "Split",
    Parameter("source", TEXT),
    Parameter("delimiter", PLAIN),
    example='Split([extensionAttribute5], ",")',
    result='["PermissionSetOne", "PermissionSetTwo"]',
)
def split(source: str | None, delimiter: str) -> tuple[str, ...] | None:
    """Takes a text apart at each delimiter.

    White space around the values is removed, as the page's example shows without saying so. Where it is silent: values
    between two delimiters in a row are "", several characters are one delimiter, an empty one takes nothing apart, null
    stays null and "" has no values.
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
    """Answers the name of the one app role the user has, or null.

    The page does not support users with several roles; of those this takes the first in the order given.
    """
    return assignments[0] if assignments else None


@function(
    "AppRoleAssignmentsComplex",
    Parameter("[appRoleAssignments]", VALUES),
    example="AppRoleAssignmentsComplex([appRoleAssignments])",
    result='["Editor", "Viewer"]',
)
def app_role_assignments_complex(assignments: tuple[str, ...]) -> tuple[str, ...]:
    """Answers every app role the user has, as a multi-valued attribute of role names.

    In Entra each is an object with an id and a display name besides; Zoho One's fields hold texts only.
    """
    return assignments
