"""One way to ask an expression for its answer, with all that is impure fixed."""

import random
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime

import pytest

from shared.rules.expressions import EvaluationContext, Ignored, Value, compile_expression

type Answer = Callable[..., Value | Ignored]


@pytest.fixture(scope="session")
def answer() -> Answer:
    """Evaluates an expression for a person with these attributes, at 2021-08-25 17:41:18 UTC."""

    def evaluate(
        text: str, attributes: Mapping[str, Value] | None = None, taken: Collection[str] = ()
    ) -> Value | Ignored:
        now = datetime(2021, 8, 25, 17, 41, 18, tzinfo=UTC)
        context = EvaluationContext(now, random.Random(7), taken.__contains__)
        return compile_expression(text).evaluate((attributes or {}).get, context)

    return evaluate
