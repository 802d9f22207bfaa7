"""Criteria: the people in Entra that a directory store includes, as groups of conditions joined by AND and OR."""

import unicodedata
from collections.abc import Iterator
from difflib import get_close_matches
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import (
    ConfigDict,
    Discriminator,
    Field,
    StringConstraints,
    Tag,
    field_validator,
    model_validator,
)

from shared.model import Model
from shared.rules.azure_user import AZURE_FIELDS, AzureUser, FieldType, value_of
from shared.rules.mapping.names import CustomNames, unknown_name

MAX_DEPTH = 5
"""Maximum depth of nested groups. Deeper ones are unreadable, and the console has to draw them."""

MAX_CONDITIONS = 200
"""Maximum number of conditions in total: each is evaluated for each person in every cycle."""

MAX_VALUES = 200
"""Maximum number of values that one condition compares with."""


class Operator(StrEnum):
    """How a condition compares. Letter case is ignored, as in Zoho One."""

    EQUALS = "equals"
    NOT_EQUALS = "not equals"
    CONTAINS = "contains"
    STARTS_WITH = "starts with"
    ENDS_WITH = "ends with"
    PRESENT = "is present"
    ABSENT = "is absent"
    ONE_OF = "matches one of"


class _Part(Model):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Condition(_Part):
    """One comparison. If an attribute has several values, one match is enough. ``not equals`` is the opposite of
    ``equals``, so it also holds if there is no value.
    """

    kind: Literal["profile field", "custom attribute"] = "profile field"
    attribute: str = Field(min_length=1, max_length=200, description="As in docs/mapping.md, for example department")
    operator: Operator
    values: tuple[Annotated[str, StringConstraints(min_length=1, max_length=1000)], ...] = Field(
        default=(), max_length=MAX_VALUES, description="One; several for matches one of; none for is present and absent"
    )

    @field_validator("operator", mode="before")
    @classmethod
    def _known_operator(cls, operator: object) -> object:
        if isinstance(operator, str) and operator not in list(Operator):
            close = get_close_matches(operator.lower(), list(Operator), n=1, cutoff=0.4)
            hint = f'; did you mean "{close[0]}"?' if close else ""
            raise ValueError(f'there is no operator "{operator}"{hint}')
        return operator

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if self.kind == "profile field" and self.attribute not in AZURE_FIELDS:
            raise ValueError(unknown_name(self.attribute))
        count = len(self.values)
        if self.operator in (Operator.PRESENT, Operator.ABSENT):
            if count:
                raise ValueError(f'"{self.operator}" accepts no value')
        elif self.operator is Operator.ONE_OF:
            if not count:
                raise ValueError(f'"{self.operator}" needs at least one value')
        elif count != 1:
            raise ValueError(f'"{self.operator}" takes one value, not {count}')
        self._ensure_yes_or_no()
        return self

    def _ensure_yes_or_no(self) -> None:
        if self.kind == "custom attribute" or AZURE_FIELDS[self.attribute].type is not FieldType.YES_NO:
            return
        for value in self.values:
            if _plain(value) not in ("true", "false"):
                raise ValueError(f'{self.attribute} is true or false, never "{value}"')

    def __str__(self) -> str:
        values = ", ".join(f'"{value}"' for value in self.values)
        return f"{self.attribute} {self.operator} {values}".rstrip()


class Group(_Part):
    """Conditions and groups that must all hold, or of which one must hold. A store's criteria are the top group."""

    match: Literal["all", "any"]
    of: tuple["Node", ...] = Field(min_length=1, max_length=MAX_CONDITIONS)

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        if _depth(self) > MAX_DEPTH:
            raise ValueError(f"groups are nested more than {MAX_DEPTH} deep")
        if sum(1 for _ in conditions(self)) > MAX_CONDITIONS:
            raise ValueError(f"there are more than {MAX_CONDITIONS} conditions")
        return self

    def __str__(self) -> str:
        joined = " and " if self.match == "all" else " or "
        return joined.join(f"({part})" if isinstance(part, Group) else str(part) for part in self.of)


def _is_group(part: object) -> str:
    if isinstance(part, dict):
        return "group" if "of" in part or "match" in part else "condition"
    return "group" if isinstance(part, Group) else "condition"


type Node = Annotated[Annotated[Group, Tag("group")] | Annotated[Condition, Tag("condition")], Discriminator(_is_group)]


def matches(criteria: Group, person: AzureUser) -> bool:
    """Return whether the person meets the criteria."""
    return not why_not(criteria, person)


def why_not(criteria: Group | Condition, person: AzureUser) -> tuple[str, ...]:
    """Return why a person is out of scope, each reason a sentence without a full stop; empty: they are in scope."""
    if isinstance(criteria, Condition):
        return () if _holds(criteria, person) else (f"{criteria}: it is {_shown(_values(criteria, person))}",)
    failures = [why_not(part, person) for part in criteria.of]
    if criteria.match == "all":
        return tuple(reason for part in failures for reason in part)
    if not all(failures):
        return ()
    return (f"none of these holds: {'; '.join(' and '.join(part) for part in failures)}",)


def _holds(condition: Condition, person: AzureUser) -> bool:
    found = [_plain(value) for value in _values(condition, person)]
    wanted = [_plain(value) for value in condition.values]
    match condition.operator:
        case Operator.PRESENT:
            return bool(found)
        case Operator.ABSENT:
            return not found
        case Operator.EQUALS | Operator.ONE_OF:
            return any(value in wanted for value in found)
        case Operator.NOT_EQUALS:
            return wanted[0] not in found
        case Operator.CONTAINS:
            return any(wanted[0] in value for value in found)
        case Operator.STARTS_WITH:
            return any(value.startswith(wanted[0]) for value in found)
        case Operator.ENDS_WITH:
            return any(value.endswith(wanted[0]) for value in found)


def _values(condition: Condition, person: AzureUser) -> tuple[str, ...]:
    """Return the person's values of the attribute. An empty text is no value."""
    custom = condition.kind == "custom attribute"
    value = person.custom.get(condition.attribute) if custom else value_of(condition.attribute)(person)
    if isinstance(value, tuple):
        return tuple(text for text in value if text)
    if isinstance(value, bool):
        return (str(value).lower(),)
    return (value,) if value else ()


def _plain(text: str) -> str:
    """Return the text without letter case and with one spelling of each accent."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())


def _shown(values: tuple[str, ...]) -> str:
    return ", ".join(f'"{value}"' for value in values) or "absent"


def _depth(group: Group) -> int:
    return 1 + max((_depth(part) for part in group.of if isinstance(part, Group)), default=0)


def unknown_names(group: Group, names: CustomNames) -> Iterator[str]:
    """Yield why custom attributes that the criteria look at reach the store from nowhere, so that nobody has them."""
    for condition in conditions(group):
        if condition.kind == "custom attribute" and (reason := names.why_not(condition.attribute)) is not None:
            yield f"{condition}: {reason}"


def conditions(group: Group) -> Iterator[Condition]:
    """Yield every condition in the group, including those in nested groups."""
    for part in group.of:
        if isinstance(part, Group):
            yield from conditions(part)
        else:
            yield part
