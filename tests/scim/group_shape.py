"""The form of the files in group_shapes/: a request as Entra sends it, and what must come of it.

`{group}` stands for the id of the group the case is about, `{ada}` for that of the person Ada, and so on.
"""

from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field

from tests.scim.entra_shape import Request

DIRECTORY = Path(__file__).parent / "group_shapes"


class Expectation(BaseModel):
    """What the answer must be, and what the group must be afterwards, here and in Zoho One."""

    model_config = ConfigDict(extra="forbid")

    status: int
    scim_type: str | None = Field(None, alias="scimType")
    members: list[str] | None = None
    """The names of the members afterwards, in the bridge; None: not looked at."""
    in_zoho_one: list[str] | None = None
    """The same in Zoho One, where that is not the same."""
    group: dict[str, Any] = {}
    """What else the group holds afterwards, in the bridge and in Zoho One."""
    found: list[str] | None = None
    """The ids in the answer to a search."""
    answer_has_members: bool | None = None


class Step(BaseModel):
    """A request and its expectation."""

    model_config = ConfigDict(extra="forbid")

    request: Request
    expect: Expectation

    def with_ids(self, ids: dict[str, str]) -> Self:
        """Return the step with its placeholders replaced."""
        text = self.model_dump_json(by_alias=True, exclude_unset=True)
        for name, known in ids.items():
            text = text.replace(f"{{{name}}}", known)
        return self.model_validate_json(text)


class Shape(Step):
    """One file: the people and the group are made first, `then` follows."""

    name: str
    source: str
    people: list[str] = []
    inactive: list[str] = []
    """Of the people, those who are disabled in Entra from the start: they have no account in Zoho One."""
    given: dict[str, Any] | None
    """The group, without its members."""
    members: list[str] = []
    then: list[Step] = []
