"""The functions of the reference page that turn one value into another without looking into it."""

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
    """Answers the number whose bits are set in both numbers. Numbers may be decimal, as text too, or written &HF."""
    return value1 & value2


@function("CStr", Parameter("value", TEXT), example="CStr([dn])", result='"cn=Joe,dc=contoso,dc=com"')
def c_str(value: str | None) -> str | None:
    """Answers a number, a truth value or a reference as text; True and False are spelled so. Null stays null."""
    return value


@function(
    "Redact", Parameter("attribute/value", ANY), example="Redact([userPrincipalName])", result='"John.Doe@contoso.com"'
)
def redact(value: Value) -> Value:
    """Answers its argument unchanged. That it stands in an expression keeps the value out of logs and history.

    In Entra the logs say "[Redact]" in its place; here `Expression.redacted` tells whoever writes one.
    """
    return value
