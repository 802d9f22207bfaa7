"""What mapping one person costs, with a mapping as rich as stores have: 25 rules, of which 10 are expressions."""

import itertools
import random
import time
from datetime import UTC, datetime

from shared.rules.azure_user import from_graph
from shared.rules.expressions import EvaluationContext
from shared.rules.mapping.compiled import CompiledMapping
from shared.rules.mapping.mapping import ExpressionSource, Mapping, ProfileField, Rule
from shared.rules.zoho_user import ZohoField

BUDGET_US = 100.0
"""Microseconds a person, once the mapping is compiled."""
PEOPLE = 2_000
ROUNDS = 5

EXPRESSIONS = (
    'Join(" ", [givenName], [surname])',
    'Switch([department], "Other", "Research", "R&D", "Sales", "S")',
    "ToUpper([country])",
    'Replace([mailNickname], ".", , , "-", , )',
    "Coalesce([mail], [userPrincipalName])",
    "NormalizeDiacritics([surname])",
    'IIF([jobTitle]="Analyst", "A", "B")',
    "Mid([postalCode], 1, 3)",
    "ToLower([city])",
    "Left([employeeId], 4)",
)
PROFILE_FIELDS: tuple[str, ...] = (
    "userPrincipalName",
    "displayName",
    "givenName",
    "surname",
    "mail",
    "jobTitle",
    "preferredLanguage",
)
PROFILE_FIELDS += ("mailNickname", "officeLocation", "streetAddress", "city", "state", "postalCode", "mobilePhone")
PROFILE_FIELDS += ("businessPhones",)


def mapping_microseconds() -> float:
    """Of one person: the best of several rounds, since nothing but other programs makes a round slower."""
    sources: list[ProfileField | ExpressionSource] = [ProfileField(field=name) for name in PROFILE_FIELDS]
    sources += [ExpressionSource(expression=text) for text in EXPRESSIONS]
    # There are fewer fields than rules here: a real mapping has at most one for each, which costs the same.
    pairs = zip(itertools.cycle(ZohoField), sources, strict=False)
    rules = [Rule(target=target, source=source) for target, source in pairs]
    compiled = CompiledMapping(Mapping(rules=tuple(rules)))
    person = from_graph(
        {name: f"{name} å" for name in PROFILE_FIELDS if name != "businessPhones"}
        | {"businessPhones": ["+49 30 1"], "department": "Sales", "country": "de", "employeeId": "4711-0815"}
    )
    context = EvaluationContext(datetime.now(UTC), random.Random(1), lambda _: False)  # noqa: S311 - for show
    among = frozenset(ZohoField)
    best = float("inf")
    for _ in range(ROUNDS):
        started = time.perf_counter()
        for _ in range(PEOPLE):
            compiled.fields_for(person, None, context, among)
        best = min(best, time.perf_counter() - started)
    return best / PEOPLE * 1e6
