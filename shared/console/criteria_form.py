"""The criteria form: a tree in which the name of every box is its position, such as ``n.0.2.attribute``.

The buttons that add and remove send the whole form; the answer is the same form with another tree. So no script is
needed, and what was typed stays.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from shared.rules.criteria import Group, Operator

ROOT = "n"
DEEPEST = 8
"""Groups within groups that are read; criteria allow fewer."""
_NUMBER = re.compile(r"\d{1,3}", re.ASCII)
_ACTION = re.compile(r"(add-condition|add-group|remove) (n(?:\.\d{1,3}){0,6})")


@dataclass
class Box:
    """One condition as typed, valid or not."""

    kind: str = "profile field"
    attribute: str = "department"
    operator: str = Operator.EQUALS.value
    values: list[str] = field(default_factory=list)

    def as_data(self) -> dict[str, object]:
        """Input for the model."""
        return {"kind": self.kind, "attribute": self.attribute, "operator": self.operator, "values": self.values}


@dataclass
class Tree:
    """A group of conditions as typed."""

    match: str = "all"
    of: list["Tree | Box"] = field(default_factory=list)

    @classmethod
    def of_group(cls, group: Group) -> Self:
        """Show criteria in the form."""
        parts = [
            cls.of_group(part)
            if isinstance(part, Group)
            else Box(part.kind, part.attribute, part.operator.value, list(part.values))
            for part in group.of
        ]
        return cls(group.match, list(parts))

    @classmethod
    def read(cls, form: Mapping[str, str]) -> Self:
        """Read the tree from a form: each name is looked at once."""
        numbers: dict[str, set[int]] = {}
        for name in form:
            place, *steps = name.split(".")[:-1] or [""]
            for step in steps[: DEEPEST + 1]:
                if place.partition(".")[0] != ROOT or not _NUMBER.fullmatch(step):
                    break
                numbers.setdefault(place, set()).add(int(step))
                place = f"{place}.{step}"
        return cls._read(form, numbers, ROOT)

    @classmethod
    def _read(cls, form: Mapping[str, str], numbers: Mapping[str, set[int]], place: str) -> Self:
        parts = list[Tree | Box]()
        for number in sorted(numbers.get(place, ())):
            here = f"{place}.{number}"
            if f"{here}.match" in form:
                parts.append(cls._read(form, numbers, here))
            else:
                values = [line.strip() for line in form.get(f"{here}.values", "").splitlines() if line.strip()]
                kind, attribute, operator = (
                    form.get(f"{here}.{name}", "").strip() for name in ("kind", "attribute", "operator")
                )
                parts.append(Box(kind, attribute, operator, values))
        return cls(form.get(f"{place}.match", "all"), parts)

    def changed(self, action: str) -> bool:
        """Do what a button says. Returns whether the action was one of the form's buttons."""
        found = _ACTION.fullmatch(action)
        if found is None:
            return False
        what, numbers = found[1], [int(number) for number in found[2].split(".")[1:]]
        group: Tree = self
        for number in numbers[:-1] if what == "remove" else numbers:
            part = group.of[number] if number < len(group.of) else None
            if not isinstance(part, Tree):
                return False
            group = part
        if what == "remove":
            del group.of[numbers[-1] : numbers[-1] + 1]
        else:
            group.of.append(Box() if what == "add-condition" else Tree("any", [Box()]))
        return True

    def as_data(self) -> dict[str, object]:
        """Input for the model."""
        return {"match": self.match, "of": [part.as_data() for part in self.of]}
