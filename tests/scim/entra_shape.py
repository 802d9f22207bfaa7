"""The form of the files in entra_shapes/: a request as Entra sends it, and what must come of it.

`{id}` stands for the id of the user the case is about, `{manager}` for that of the second user, where there is one.
"""

from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field

DIRECTORY = Path(__file__).parent / "entra_shapes"


class Request(BaseModel):
    """One HTTP request, its path relative to the sync endpoint."""

    model_config = ConfigDict(extra="forbid")

    method: str
    path: str
    query: dict[str, str] | None = None
    body: dict[str, Any] | None = None


class Expectation(BaseModel):
    """What the answer must be, and what the user must be afterwards, read by himself."""

    model_config = ConfigDict(extra="forbid")

    status: int
    scim_type: str | None = Field(None, alias="scimType")
    body_contains: dict[str, Any] = {}
    resource: dict[str, Any] | None = None
    absent: list[list[str]] = []  # the keys that lead to what no user in the answer, nor the user himself, may hold


class Step(BaseModel):
    """A request and its expectation."""

    model_config = ConfigDict(extra="forbid")

    request: Request
    expect: Expectation

    def with_ids(self, ids: dict[str, str]) -> Self:
        """Return the step with its placeholders replaced."""
        text = self.model_dump_json(by_alias=True, exclude_unset=True)
        for name, user_id in ids.items():
            text = text.replace(f"{{{name}}}", user_id)
        return self.model_validate_json(text)


class Shape(Step):
    """One file: `manager` and `given` are created first, `then` follows."""

    name: str
    source: str
    manager: dict[str, Any] | None = None
    given: dict[str, Any] | None
    then: list[Step] = []

    @property
    def people(self) -> dict[str, dict[str, Any]]:
        """The users to create first, by the name of their placeholder."""
        people = {"manager": self.manager, "id": self.given}
        return {name: user for name, user in people.items() if user is not None}
