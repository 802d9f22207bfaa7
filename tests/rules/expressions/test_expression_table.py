"""The table of functions: complete, documented, and each example true."""

import random
import re

import pytest

from shared.rules.expressions import (
    EXAMPLE_ATTRIBUTES,
    EXAMPLE_DOMAIN,
    EXAMPLE_NOW,
    EXAMPLE_TAKEN,
    FUNCTIONS,
    EvaluationContext,
    Function,
    compile_expression,
    shown,
)

PAGE = """
    Append AppRoleAssignments AppRoleAssignmentsComplex AssertiveAppRoleAssignmentsComplex BitAnd CBool CDate
    Coalesce ConvertToBase64 ConvertToUTF8Hex Count CStr DateAdd DateDiff DateFromNum DefaultDomain
    FormatDateTime Guid IgnoreFlowIfNullOrEmpty IIF InStr IsNull IsNullOrEmpty IsPresent IsString Item Join
    Left Mid NormalizeDiacritics Not Now NumFromDate PCase RandomString Redact RemoveDuplicates Replace
    SelectUniqueValue SingleAppRoleAssignment Split StripSpaces Switch ToLower ToUpper Word
"""


def test_the_functions_are_those_of_the_reference_page_and_others_in_order() -> None:
    assert list(FUNCTIONS) == PAGE.split()


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)
def test_the_example_gives_its_result(function: Function) -> None:
    context = EvaluationContext(EXAMPLE_NOW, random.Random(1), EXAMPLE_TAKEN.__contains__, EXAMPLE_DOMAIN)
    expression = compile_expression(function.example)
    assert function.name in function.example
    assert expression.attributes <= EXAMPLE_ATTRIBUTES.keys()
    assert shown(expression.evaluate(EXAMPLE_ATTRIBUTES.get, context)) == function.example_result


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)
def test_the_function_is_documented(function: Function) -> None:
    assert re.fullmatch(r"[A-Z].*\.", function.description)
    assert function.signature.startswith(f"{function.name}(")
    assert (function.run is None) != (function.build is None)
    assert re.fullmatch(r"https://(learn\.microsoft\.com|docs\.azure\.cn)/entra/\S+#\S+", function.link)
