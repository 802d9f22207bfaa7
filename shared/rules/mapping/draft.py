"""A mapping that an administrator is changing: kept until he saves it or lets it go."""

from typing import Self

from pydantic import ConfigDict

from shared.model import Model
from shared.rules.mapping.mapping import Mapping, Rule
from shared.rules.zoho_user import ZohoField


class Draft(Model):
    """A changed mapping, and the number of the version that the change was made to."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    based_on: int
    mapping: Mapping

    def with_rule(self, rule: Rule) -> Self:
        """With one field filled so, in place of how it was filled."""
        rules = self.mapping.rules
        if any(standing.target is rule.target for standing in rules):
            changed = tuple(rule if standing.target is rule.target else standing for standing in rules)
        else:
            changed = (*rules, rule)
        return self._with(changed)

    def without(self, target: ZohoField) -> Self:
        """With one field filled by nothing."""
        return self._with(tuple(rule for rule in self.mapping.rules if rule.target is not target))

    def _with(self, rules: tuple[Rule, ...]) -> Self:
        return self.model_copy(update={"mapping": Mapping(rules=rules)})


def rule_for(mapping: Mapping, target: ZohoField) -> Rule | None:
    """How a field is filled, or None."""
    return next((rule for rule in mapping.rules if rule.target is target), None)


def rebased(draft: Draft, base: Mapping, current: Mapping, number: int) -> tuple[Draft, tuple[ZohoField, ...]]:
    """A draft's own changes on top of what somebody else saved meanwhile, and the fields that both changed.

    Of those the draft's rule stands: its author sees them named, and saves or not.
    """
    merged, both = Draft(based_on=number, mapping=current), list[ZohoField]()
    for field in ZohoField:
        before, mine, theirs = (rule_for(mapping, field) for mapping in (base, draft.mapping, current))
        if mine == before:
            continue
        if theirs not in (before, mine):
            both.append(field)
        merged = merged.with_rule(mine) if mine is not None else merged.without(field)
    return merged, tuple(both)
