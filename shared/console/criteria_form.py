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
    def read(cls, form: Mapping[str, str], place: str = ROOT, depth: int = 0) -> Self:
        """Read the tree from a form."""
        numbers = {int(found[1]) for name in form if (found := re.match(rf"{re.escape(place)}\.(\d{{1,3}})\.", name))}
        parts = list[Tree | Box]()
        for number in sorted(numbers) if depth < 8 else ():
            here = f"{place}.{number}"
            if f"{here}.match" in form:
                parts.append(cls.read(form, here, depth + 1))
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
