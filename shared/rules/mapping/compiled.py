"""A mapping made ready once for every person: rules become functions."""

import hashlib
from collections.abc import Callable, Set
from dataclasses import dataclass

from shared.rules.azure_user import AzureUser, Value, value_of
from shared.rules.expressions import (
    IGNORED,
    EvaluationContext,
    EvaluationError,
    Expression,
    Ignored,
    compile_expression,
)
from shared.rules.mapping.mapping import (
    CustomAttribute,
    ExpressionSource,
    HardCodedValue,
    Mapping,
    ProfileField,
    Rule,
    When,
)
from shared.rules.zoho_user import ZohoField, ZohoUser

LONGEST_VALUE = 2_000
"""Characters in one field of Zoho One: no name or address is longer, and a person is kept in one row several times."""

type Read = Callable[[AzureUser, EvaluationContext], Value | Ignored]


class MappingFailed(Exception):
    """A rule has no answer for a person. The message names the field, the rule and the reason, and no value."""

    def __init__(self, field: ZohoField, rule: Rule | None, reason: str) -> None:
        super().__init__(f"The mapping of {field} ({rule}) fails: {reason}" if rule else reason)
        self.field = field


@dataclass(frozen=True)
class CompiledRule:
    """One rule, ready to be asked."""

    rule: Rule
    target: ZohoField
    read: Read
    default: str | None
    apply: When

    def value(self, person: AzureUser, before: ZohoUser | None, context: EvaluationContext) -> str | None:
        """What the field should hold; None is nothing. Raises MappingFailed.

        ``before``: the account as it should have been so far, None for one that is to be created.
        """
        if before is not None and self.apply != "always":
            return before.fields.get(self.target)
        try:
            value = self.read(person, context)
        except EvaluationError as error:
            raise MappingFailed(self.target, self.rule, str(error)) from None
        if value is IGNORED:
            return before.fields.get(self.target) if before else None
        text = _text(value) or self.default
        if text is not None and len(text) > LONGEST_VALUE:
            raise MappingFailed(self.target, self.rule, f"it gives more than {LONGEST_VALUE:,} characters")
        return text


class CompiledMapping:
    """A mapping that has been compiled; it never changes, and threads may share it."""

    def __init__(self, mapping: Mapping) -> None:
        """Compile a mapping that has been checked. Raises ExpressionError and KeyError for one that has not."""
        self.mapping = mapping
        self.digest = hashlib.sha256(mapping.model_dump_json().encode()).hexdigest()
        """The same for two mappings with the same rules, also for one that stands in the code."""
        self.rules = tuple(
            CompiledRule(rule, rule.target, _reader(rule), rule.default, rule.apply) for rule in mapping.rules
        )

    def fields_for(
        self,
        person: AzureUser,
        before: ZohoUser | None,
        context: EvaluationContext,
        among: Set[ZohoField],
    ) -> dict[ZohoField, str]:
        """What Zoho One should hold of a person, of the fields that the store uses. Raises MappingFailed.

        A field without a value is absent; without a userName there can be no account.
        """
        fields = {
            rule.target: value
            for rule in self.rules
            if rule.target in among and (value := rule.value(person, before, context))
        }
        if not fields.get(ZohoField.USER_NAME, "").strip():
            rule = next((rule.rule for rule in self.rules if rule.target is ZohoField.USER_NAME), None)
            reason = "it gives this person no userName, without which Zoho One has no account"
            raise MappingFailed(ZohoField.USER_NAME, rule, reason)
        return fields


def _reader(rule: Rule) -> Read:
    match rule.source:
        case HardCodedValue(value=value):
            return lambda _person, _context: value
        case ProfileField(field=field):
            read = value_of(field)
            return lambda person, _context: read(person)
        case CustomAttribute(name=name):
            return lambda person, _context: person.custom.get(name)
        case ExpressionSource(expression=text):
            return expression_reader(compile_expression(text))


def expression_reader(expression: Expression) -> Read:
    """How an expression is evaluated for a person: names in brackets are profile fields, else custom attributes."""
    known: dict[str, Callable[[AzureUser], Value]] = {}
    for name in expression.attributes:
        try:
            known[name] = value_of(name)
        except KeyError:
            known[name] = _custom(name)

    def read(person: AzureUser, context: EvaluationContext) -> Value | Ignored:
        value = expression.evaluate(lambda name: known[name](person), context)
        return value if value is IGNORED or isinstance(value, str | bool | tuple) or value is None else str(value)

    return read


def _custom(name: str) -> Callable[[AzureUser], Value]:
    return lambda person: person.custom.get(name)


def _text(value: Value | Ignored) -> str:
    """A value as Zoho One takes it: its fields hold one text each, so the first of several values stands for all."""
    if isinstance(value, str):
        return value
    if isinstance(value, tuple):
        return value[0] if value else ""
    return str(value) if isinstance(value, bool) else ""
