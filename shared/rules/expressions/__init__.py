"""Entra's attribute-mapping expressions: parsed, checked, compiled once and evaluated for one person after another.

`compile_expression` reads the text as it is in the Entra portal; `Expression.evaluate` returns the value for one
person. The functions, their documentation and a checked example of each are in `FUNCTIONS`. Nothing here reads a clock,
draws a random number or asks the target: all of that is passed in as `EvaluationContext`.

Source: "Reference for writing expressions for attribute mappings in Microsoft Entra ID",
https://learn.microsoft.com/entra/identity/app-provisioning/functions-for-customizing-application-data
"""

from shared.rules.expressions.errors import EvaluationError, ExpressionError
from shared.rules.expressions.expression import Expression, compile_expression
from shared.rules.expressions.function import Function, Kind, Parameter
from shared.rules.expressions.limitations import ExpressionWarning, Limitation
from shared.rules.expressions.table import EXAMPLE_ATTRIBUTES, EXAMPLE_DOMAIN, EXAMPLE_NOW, EXAMPLE_TAKEN, FUNCTIONS
from shared.rules.expressions.values import (
    IGNORED,
    Attributes,
    EvaluationContext,
    Ignored,
    RandomSource,
    Value,
    shown,
)

__all__ = [
    "EXAMPLE_ATTRIBUTES",
    "EXAMPLE_DOMAIN",
    "EXAMPLE_NOW",
    "EXAMPLE_TAKEN",
    "FUNCTIONS",
    "IGNORED",
    "Attributes",
    "EvaluationContext",
    "EvaluationError",
    "Expression",
    "ExpressionError",
    "ExpressionWarning",
    "Function",
    "Ignored",
    "Kind",
    "Limitation",
    "Parameter",
    "RandomSource",
    "Value",
    "compile_expression",
    "shown",
]
