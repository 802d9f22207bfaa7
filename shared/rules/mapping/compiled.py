"""A mapping compiled once for every person: rules become functions."""

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
    ON_CREATION,
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
"""Maximum number of characters in one field of Zoho One: no name or address is longer, and a row holds each
person several times.
"""

type Read = Callable[[AzureUser, EvaluationContext], Value | Ignored]


class MappingFailed(Exception):
    """A rule has no result for a person. The message names the field, the rule and the reason, and no value."""

    def __init__(self, field: ZohoField, rule: Rule | None, reason: str) -> None:
        super().__init__(f"The mapping of {field} ({rule}) fails: {reason}" if rule else reason)
        self.field = field


@dataclass(frozen=True)
class CompiledRule:
    """One compiled rule."""

    rule: Rule
    target: ZohoField
    read: Read
    apply: When

    def value(self, person: AzureUser, before: ZohoUser | None, context: EvaluationContext) -> str | None:
        """Return the field's value; None is no value. Raises MappingFailed.

        ``before``: the previous desired account, None for one that is to be created.
        """
        if before is not None and self.apply != "always":
            return before.fields.get(self.target)
        try:
            value = self.read(person, context)
        except EvaluationError as error:
            raise MappingFailed(self.target, self.rule, str(error)) from None
        if value is IGNORED:
            return before.fields.get(self.target) if before else None
        text = _text(value) or self._default(before)
        if text is not None and len(text) > LONGEST_VALUE:
            raise MappingFailed(self.target, self.rule, f"it gives more than {LONGEST_VALUE:,} characters")
        return text

    def _default(self, before: ZohoUser | None) -> str | None:
        """Return the value where the source has none.

        One that is given only to new accounts stays in them for as long as the source has no value: Entra's service
        sends nothing for such a user.
        https://learn.microsoft.com/entra/identity/app-provisioning/customize-application-attributes, "Default value if
        null".
        """
        if self.rule.default_at != ON_CREATION or before is None or before.fields.get(self.target) == self.rule.default:
            return self.rule.default
        return None


class CompiledMapping:
    """A compiled mapping; immutable, and safe to share between threads."""

    def __init__(self, mapping: Mapping) -> None:
        """Compile a checked mapping. Raises ExpressionError and KeyError for an unchecked one."""
        self.mapping = mapping
        self.digest = hashlib.sha256(mapping.model_dump_json().encode()).hexdigest()
        """Equal for two mappings with the same rules, including the default one in the code."""
        self.rules = tuple(CompiledRule(rule, rule.target, _reader(rule), rule.apply) for rule in mapping.rules)

    def fields_for(
        self,
        person: AzureUser,
        before: ZohoUser | None,
        context: EvaluationContext,
        among: Set[ZohoField],
    ) -> dict[ZohoField, str]:
        """Return a person's desired values of the fields that the store uses. Raises MappingFailed.

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
    """Return how an expression is evaluated for a person: names in brackets are profile fields, else custom
    attributes.
    """
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
    """Return a value as Zoho One accepts it: its fields hold one text each, so the first of several values is used."""
    if isinstance(value, str):
        return value
    if isinstance(value, tuple):
        return value[0] if value else ""
    return str(value) if isinstance(value, bool) else ""
