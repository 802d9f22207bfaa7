"""The form of one rule: four sources for a field, each with its own box, of which the chosen one counts."""

from collections.abc import Mapping
from typing import Literal, Self

from pydantic import ConfigDict, TypeAdapter, ValidationError
from werkzeug.exceptions import BadRequest

from shared.model import HIDDEN, Model
from shared.rules.mapping.mapping import (
    CustomAttribute,
    ExpressionSource,
    HardCodedValue,
    ProfileField,
    Rule,
    Source,
)
from shared.rules.zoho_user import ZohoField

type Kind = Literal["profile field", "hard-coded value", "custom attribute", "expression"]

_SOURCE = TypeAdapter[Source](Source, config=HIDDEN)
_BOXES: dict[Kind, str] = {
    "profile field": "field",
    "hard-coded value": "value",
    "custom attribute": "name",
    "expression": "expression",
}


class RuleForm(Model):
    """Content of the boxes, valid or not."""

    model_config = ConfigDict(extra="ignore")

    kind: Kind = "profile field"
    field: str = ""
    value: str = ""
    name: str = ""
    expression: str = ""
    default: str = ""
    apply: Literal["always", "only during object creation"] = "always"

    @classmethod
    def sent(cls, form: Mapping[str, str]) -> Self:
        """Read a form. Raises BadRequest for a kind that no page of ours offers."""
        try:
            return cls.model_validate(form)
        except ValidationError:
            raise BadRequest("This is not a form of the mapping.") from None

    @classmethod
    def of(cls, rule: Rule | None) -> Self:
        """Show a rule in the form."""
        if rule is None:
            return cls()
        form = cls(kind=rule.source.kind, default=rule.default or "", apply=rule.apply)
        match rule.source:
            case ProfileField(field=field):
                return form.model_copy(update={"field": field})
            case HardCodedValue(value=value):
                return form.model_copy(update={"value": value})
            case CustomAttribute(name=name):
                return form.model_copy(update={"name": name})
            case ExpressionSource(expression=expression):
                return form.model_copy(update={"expression": expression})

    @property
    def is_filled(self) -> bool:
        """Whether the chosen box has a value."""
        return bool(getattr(self, _BOXES[self.kind]))

    def rule(self, target: ZohoField) -> Rule:
        """The rule that the form describes. Raises pydantic.ValidationError."""
        box = _BOXES[self.kind]
        source = _SOURCE.validate_python({"kind": self.kind, box: getattr(self, box)})
        return Rule(target=target, source=source, default=self.default or None, apply=self.apply)
