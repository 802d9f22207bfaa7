"""The functions of the reference page that convert a value without examining it."""

from shared.rules.expressions.function import ANY, INTEGER, TEXT, Parameter, function
from shared.rules.expressions.values import Value


@function(
    "BitAnd",
    Parameter("value1", INTEGER),
    Parameter("value2", INTEGER),
    example="BitAnd(&HF, &HF7)",
    result="7",
)
def bit_and(value1: int, value2: int) -> int:
    """Returns the number with the bits set in both numbers. Numbers are decimal, also as text, or written &HF."""
    return value1 & value2


@function("CStr", Parameter("value", TEXT), example="CStr([dn])", result='"cn=Joe,dc=contoso,dc=com"')
def c_str(value: str | None) -> str | None:
    """Returns a number, a truth value or a reference as text, True and False spelled this way. Null stays null."""
    return value


@function(
    "Redact", Parameter("attribute/value", ANY), example="Redact([userPrincipalName])", result='"John.Doe@contoso.com"'
)
def redact(value: Value) -> Value:
    """Returns its argument unchanged.

    In Entra the provisioning logs show "[Redact]" in place of the value. Here the function has no effect: the bridge's
    log holds no values, and a person's history shows them to administrators.
    """
    return value
