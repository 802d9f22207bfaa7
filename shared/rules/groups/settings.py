"""What a directory store does with groups."""

from enum import StrEnum

from pydantic import ConfigDict, Field, field_validator

from shared.model import Model
from shared.rules.expressions import IGNORED, EvaluationContext, EvaluationError, compile_expression
from shared.rules.status import NotConfirmed, Reflection

LONGEST_NAME = 256
"""Characters in a group's name: as many as Entra takes for one.

https://learn.microsoft.com/graph/api/resources/group#properties
"""

ATTRIBUTES = ("displayName", "externalId")
"""What an expression for a group's name may use; Entra fills externalId with the group's object id."""


class ResourceSync(StrEnum):
    """Zoho One's own wording of the choice."""

    USERS = "Users"
    USERS_AND_GROUPS = "Users and groups"


class GroupNameFailed(Exception):
    """The store's setting gives a group no name. The message says why, and holds no value."""


class GroupSettings(Model):
    """A store's choices for groups. The defaults cannot destroy: no group is deleted, no foreign member taken out."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    resource_sync: ResourceSync = ResourceSync.USERS_AND_GROUPS
    name_prefix: str = Field(default="", max_length=100, description="Stands before each group's name in Zoho One")
    name_expression: str | None = Field(
        default=None, description="Gives a group's name in Zoho One from [displayName] and [externalId]"
    )
    deleted: Reflection = Field(
        default=Reflection.NOTHING,
        description="When a group is deleted in Entra, or leaves its scope: whether Zoho One's is deleted too",
    )
    exact_members: bool = Field(
        default=False, description="Whether members whom the bridge did not add are taken out of the groups it manages"
    )

    @property
    def are_synced(self) -> bool:
        """Whether Zoho One has them."""
        return self.resource_sync is ResourceSync.USERS_AND_GROUPS

    @field_validator("name_expression")
    @classmethod
    def _compiles(cls, text: str | None) -> str | None:
        if text is not None:
            expression = compile_expression(text)  # an ExpressionError is a ValueError
            if unknown := expression.attributes - set(ATTRIBUTES):
                raise ValueError(f"a group has no [{min(unknown)}]: use [displayName] or [externalId]")
            if expression.only_on_creation:
                raise ValueError("SelectUniqueValue is for people: a group that has the name already is adopted")
        return text

    def name_for(self, display_name: str, external_id: str | None, context: EvaluationContext) -> str:
        """What a group is called in Zoho One. Raises GroupNameFailed."""
        name = display_name
        if self.name_expression is not None:
            values: dict[str, str | None] = {"displayName": display_name, "externalId": external_id}
            try:
                evaluated = compile_expression(self.name_expression).evaluate(lambda given: values[given], context)
            except EvaluationError as error:
                raise GroupNameFailed(f"The expression for group names fails: {error}") from None
            name = evaluated if isinstance(evaluated, str) else display_name if evaluated is IGNORED else ""
        named = f"{self.name_prefix}{name}".strip()
        if not named or len(named) > LONGEST_NAME:
            how = f"more than {LONGEST_NAME} characters" if named else "no name"
            raise GroupNameFailed(f"The store's settings give this group {how} in Zoho One")
        return named


def ensure_deletion_confirmed(before: GroupSettings, after: GroupSettings, store_name: str, typed: str) -> None:
    """Let settings that newly delete groups pass only where the store's name was typed. Raises NotConfirmed."""
    newly = after.deleted is Reflection.CHANGE and before.deleted is not Reflection.CHANGE
    if newly and typed != store_name:
        raise NotConfirmed(f"Groups would be deleted from Zoho One for good: type {store_name!r} to confirm.")
