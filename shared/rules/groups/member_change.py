"""Changes of a group's members, as differences: a person who is not named in one is not touched by it."""

from collections.abc import Iterable, Iterator, Set
from itertools import batched
from typing import Self

from pydantic import ConfigDict, model_validator

from shared.model import Model


class MemberChange(Model):
    """Who joins and who leaves, by the bridge's ids; nobody does both."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    joining: tuple[str, ...] = ()
    leaving: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _is_a_difference(self) -> Self:
        if set(self.joining) & set(self.leaving):
            raise ValueError("somebody joins and leaves at once")
        return self

    def __bool__(self) -> bool:
        return bool(self.joining or self.leaving)

    def __len__(self) -> int:
        return len(self.joining) + len(self.leaving)

    @property
    def everybody(self) -> tuple[str, ...]:
        """Everybody whom the change names."""
        return (*self.leaving, *self.joining)

    @property
    def undone(self) -> Self:
        """The way back."""
        return self.model_copy(update={"joining": self.leaving, "leaving": self.joining})

    def then(self, joining: Iterable[str], leaving: Iterable[str] = ()) -> Self:
        """With more said after it: the last word about somebody counts."""
        joined, left = dict.fromkeys(joining), dict.fromkeys(leaving)
        before = [one for one in self.joining if one not in left]
        gone = [one for one in self.leaving if one not in joined]
        left = {one: None for one in left if one not in joined}
        return type(self)(
            joining=tuple(dict.fromkeys([*before, *joined])), leaving=tuple(dict.fromkeys([*gone, *left]))
        )

    def among(self, members: Set[str]) -> Self:
        """What it changes where these of the people it names are members already."""
        return type(self)(
            joining=tuple(one for one in self.joining if one not in members),
            leaving=tuple(one for one in self.leaving if one in members),
        )

    def slices(self, size: int) -> Iterator[Self]:
        """The same change in portions of so many people; at least one, which may be empty. Leavers go first."""
        everybody = [(one, False) for one in self.leaving] + [(one, True) for one in self.joining]
        for portion in batched(everybody, size, strict=False) if everybody else [()]:
            joining = tuple(one for one, joins in portion if joins)
            yield type(self)(joining=joining, leaving=tuple(one for one, joins in portion if not joins))


class MemberRequest(Model):
    """What a request says of a group's members."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    only: bool = False
    """It says who all the members are, ``change.joining``; otherwise it is a difference."""
    change: MemberChange = MemberChange()

    def add(self, people: Iterable[str]) -> Self:
        """And these are members."""
        return self.model_copy(update={"change": self.change.then(people)})

    def remove(self, people: Iterable[str]) -> Self:
        """And these are not."""
        changed = self.change.then((), people)
        if self.only:
            changed = changed.model_copy(update={"leaving": ()})
        return self.model_copy(update={"change": changed})

    def replace(self, people: Iterable[str]) -> Self:
        """And these are all there are."""
        return type(self)(only=True, change=MemberChange(joining=tuple(dict.fromkeys(people))))

    def difference(self, members: Iterable[str]) -> MemberChange:
        """What it changes for a group that has these members: all of them, unless only those named are known."""
        there = dict.fromkeys(members)
        if not self.only:
            return self.change.among(there.keys())
        wanted = set(self.change.joining)
        leaving = tuple(one for one in there if one not in wanted)
        return MemberChange(joining=self.change.among(there.keys()).joining, leaving=leaving)
