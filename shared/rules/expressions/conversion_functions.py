"""The functions that convert a value without examining it, or return one that is the same for everybody."""

from shared.rules.expressions.errors import RefusedError
from shared.rules.expressions.function import ANY, CHINA_REFERENCE, INTEGER, TEXT, Parameter, function
from shared.rules.expressions.values import EvaluationContext, Value


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


@function(
    "DefaultDomain",
    example='Join("@", [mailNickname], DefaultDomain())',
    result='"john.doe@contoso.com"',
    needs_context=True,
    page=f"{CHINA_REFERENCE}#defaultdomain",
)
def default_domain(context: EvaluationContext) -> str:
    """Returns the default domain of the Entra tenant, as the store's settings have it.

    The reference page for most clouds does not list it; the one for China, which does, is followed.
    """
    if not context.default_domain:
        raise RefusedError("the store does not know the tenant's default domain: set it on the mapping page")
    return context.default_domain
