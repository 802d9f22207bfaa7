"""What a mapping makes of people, before it is saved."""

from collections import Counter
from collections.abc import Iterable, Set
from dataclasses import dataclass, field

from shared.rules.azure_user import AzureUser
from shared.rules.expressions import EvaluationContext
from shared.rules.mapping.compiled import CompiledMapping, MappingFailed
from shared.rules.zoho_user import ZohoField, ZohoUser


@dataclass(frozen=True)
class PreviewLine:
    """One field of one person: its value, or why there is none, and the rule that it comes from."""

    field: ZohoField
    value: str | None
    rule: str
    error: str | None = None


def preview_person(
    mapping: CompiledMapping, person: AzureUser, before: ZohoUser | None, context: EvaluationContext
) -> tuple[PreviewLine, ...]:
    """Each field that the mapping fills, in its order. ``before``: his account so far, None if there is none."""
    lines = []
    for rule in mapping.rules:
        try:
            lines.append(PreviewLine(rule.target, rule.value(person, before, context), str(rule.rule)))
        except MappingFailed as failure:
            lines.append(PreviewLine(rule.target, None, str(rule.rule), str(failure)))
    return tuple(lines)


@dataclass
class ChangePreview:
    """How many people a changed mapping would change, field by field."""

    people: int = 0
    changed: int = 0
    by_field: Counter[ZohoField] = field(default_factory=Counter)
    failures: Counter[ZohoField] = field(default_factory=Counter)


def preview_change(
    before: CompiledMapping,
    after: CompiledMapping,
    people: Iterable[tuple[AzureUser, ZohoUser | None]],
    context: EvaluationContext,
    among: Set[ZohoField],
) -> ChangePreview:
    """Compare what two mappings make of the same people, one at a time: each with his account so far, or None."""
    preview = ChangePreview()
    for person, account in people:
        preview.people += 1
        old, _ = _fields(before, person, account, context, among)
        new, failed = _fields(after, person, account, context, among)
        preview.failures.update(failed)
        different = [name for name in ZohoField if old.get(name) != new.get(name) and name not in failed]
        preview.by_field.update(different)
        preview.changed += bool(different)
    return preview


def _fields(
    mapping: CompiledMapping,
    person: AzureUser,
    account: ZohoUser | None,
    context: EvaluationContext,
    among: Set[ZohoField],
) -> tuple[dict[ZohoField, str], set[ZohoField]]:
    lines = [line for line in preview_person(mapping, person, account, context) if line.field in among]
    fields = {line.field: line.value for line in lines if line.value}
    failed = {line.field for line in lines if line.error}
    if ZohoField.USER_NAME not in fields:
        failed.add(ZohoField.USER_NAME)
    return fields, failed
