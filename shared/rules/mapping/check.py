"""Validation of a mapping: an invalid one is refused whole, each fault with its rule, position and reason."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches

from pydantic import ValidationError

from shared.rules.azure_user import AZURE_FIELDS, FieldType
from shared.rules.expressions import Expression, ExpressionError, compile_expression
from shared.rules.mapping.mapping import CustomAttribute, ExpressionSource, Mapping, ProfileField, Rule
from shared.rules.mapping.names import CustomNames, unknown_name
from shared.rules.zoho_user import ZOHO_FIELDS, ZohoField

ANY_TENANT = CustomNames()
"""Without a store: directory extensions by their names in Graph, and nothing else beyond the catalogue."""


DEFAULT_OF_BEFORE = (
    'the default is given to existing accounts, too; Entra gives it only to new ones: set "default_at" to "always" or '
    '"only during object creation"'
)
"""Warning about a rule of a release that had no choice."""


@dataclass(frozen=True)
class Fault:
    """A fault, or a warning about something that may surprise, with its place."""

    rule: int | None
    """Counted from 0; None is the mapping as a whole."""
    target: str | None
    position: int | None
    """In the rule's expression, counted from 0."""
    reason: str

    def __str__(self) -> str:
        where = [f"rule {self.rule + 1}"] if self.rule is not None else []
        where += [self.target] if self.target else []
        where += [f"character {self.position + 1}"] if self.position is not None else []
        return f"{', '.join(where)}: {self.reason}" if where else self.reason


class InvalidMapping(Exception):
    """A mapping that is refused."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(str(fault) for fault in self.faults))


def read_mapping(text: str | bytes) -> Mapping:
    """Return a mapping from its exported JSON. Raises InvalidMapping if it has another form."""
    try:
        return Mapping.model_validate_json(text)
    except ValidationError as error:
        details = error.errors()
    raise InvalidMapping(_form_fault(detail["loc"], detail["msg"], detail["input"]) for detail in details)


def check_mapping(
    mapping: Mapping, extensions: Iterable[ZohoField], names: CustomNames = ANY_TENANT
) -> tuple[Fault, ...]:
    """Return the warnings of a valid mapping. Raises InvalidMapping.

    ``extensions``: the fields beyond Zoho One's documented ones that the store has switched on. ``names``: the custom
    attributes that reach the store.
    """
    faults, warnings = list(_whole(mapping)), list[Fault]()
    for index, rule in enumerate(mapping.rules):
        wrong, doubtful = check_rule(rule, extensions, names, index)
        faults += wrong
        warnings += doubtful
    if faults:
        raise InvalidMapping(faults)
    return tuple(warnings)


def check_rule(
    rule: Rule, extensions: Iterable[ZohoField], names: CustomNames = ANY_TENANT, index: int | None = None
) -> tuple[list[Fault], list[Fault]]:
    """Return the faults of one rule, and its warnings. ``index``: its place in a mapping."""
    faults = [Fault(index, rule.target, position, reason) for position, reason in _source_faults(rule, names)]
    if ZOHO_FIELDS[rule.target].extension and rule.target not in extensions:
        reason = "an extension of Zoho One's fields, which this store has not switched on"
        faults.insert(0, Fault(index, rule.target, None, reason))
    return faults, [Fault(index, rule.target, position, text) for position, text in _warnings(rule)]


def _whole(mapping: Mapping) -> Iterator[Fault]:
    counts = Counter(rule.target for rule in mapping.rules)
    for target, facts in ZOHO_FIELDS.items():
        if facts.required and not counts[target]:
            yield Fault(None, target, None, f"Zoho One needs {target}: add a rule for it")
        if counts[target] > 1:
            yield Fault(None, target, None, f"there are {counts[target]} rules for {target}: keep one")


def _source_faults(rule: Rule, names: CustomNames) -> Iterator[tuple[int | None, str]]:
    match rule.source:
        case ProfileField(field=name):
            if name not in AZURE_FIELDS:
                yield None, unknown_name(name)
            elif (reason := _misfit(rule.target, AZURE_FIELDS[name].type, name)) is not None:
                yield None, reason
        case ExpressionSource(expression=text):
            if rule.target is ZohoField.MANAGER:
                yield None, "manager accepts the profile field manager only, nothing computed"
            try:
                compiled = compile_expression(text)
            except ExpressionError as error:
                yield error.position, error.reason
            else:
                yield from _expression_faults(rule, compiled, names)
        case _ if rule.target is ZohoField.MANAGER:
            yield None, "manager takes the profile field manager"
        case CustomAttribute(name=name) if (reason := names.why_not(name)) is not None:
            yield None, reason


def _misfit(target: ZohoField, kind: FieldType, name: str) -> str | None:
    if (target is ZohoField.MANAGER) != (kind is FieldType.PERSON):
        return f"{name} is a {kind}, which {target} does not take"
    if kind is FieldType.YES_NO:
        return f"{name} is a yes/no value and {target} takes text: use an expression such as Switch([{name}], …)"
    return None


def _expression_faults(rule: Rule, compiled: Expression, names: CustomNames) -> Iterator[tuple[int | None, str]]:
    if compiled.only_on_creation and rule.apply == "always":
        yield 0, 'SelectUniqueValue works only during object creation: set "apply" to "only during object creation"'
    if "DefaultDomain" in compiled.functions and not names.knows_default_domain:
        yield 0, "the store does not know the tenant's default domain, which DefaultDomain returns: set it first"
    yield from unknown_names(compiled, str(rule.source), names)


def unknown_names(compiled: Expression, text: str, names: CustomNames) -> Iterator[tuple[int, str]]:
    """Yield the names in an expression's brackets that are no attributes: position, and the likely intention."""
    for name in sorted(compiled.attributes):
        if (reason := names.why_unknown(name)) is not None:
            yield text.find(f"[{name}]"), reason


def _warnings(rule: Rule) -> Iterator[tuple[int | None, str]]:
    if rule.is_default_of_before:
        yield None, DEFAULT_OF_BEFORE
    if not isinstance(rule.source, ExpressionSource):
        if isinstance(rule.source, CustomAttribute) and (close := _other_case(rule.source.name)):
            yield None, f"custom attributes are case-sensitive; there is a profile field {close}"
        return
    try:
        compiled = compile_expression(rule.source.expression)
    except ExpressionError:
        return  # already reported as a fault
    for warning in compiled.warnings:
        yield warning.position, warning.text


def _other_case(name: str) -> str | None:
    return next((known for known in AZURE_FIELDS if known.lower() == name.lower()), None)


def _form_fault(place: tuple[int | str, ...], message: str, given: object) -> Fault:
    """Return pydantic's message about a mapping's form in the words of this page."""
    rule = place[1] if len(place) > 1 and place[0] == "rules" and isinstance(place[1], int) else None
    if place[-1:] == ("target",) and isinstance(given, str):
        close = get_close_matches(given, list(ZohoField), n=1)
        hint = f"; did you mean {close[0]}?" if close else ""
        return Fault(rule, given, None, f"Zoho One has no field {given}{hint}")
    where = ".".join(str(part) for part in (place[2:] if rule is not None else place))
    message = message.removeprefix("Value error, ")
    return Fault(rule, None, None, f"{where}: {message}" if where else message)
