"""What a SCIM read needs of a person or group, which every lookup row repeats."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from shared.tables.entity_text import gather

SCIM_COLUMNS = ("RowKey", "id", "created", "modified", "shutOut", "resource", *(f"resource_{i}" for i in range(1, 8)))


@dataclass(frozen=True)
class ScimRow:
    """A person or group as a SCIM read answers it, a group without its members."""

    id: str
    resource: str
    """The JSON that Entra wrote."""
    created: datetime
    modified: datetime
    is_kept_inactive: bool = False
    """Whether the person's account is not active though Entra wrote so."""


def scim_row_from(row: Mapping[str, str]) -> ScimRow:
    """Read it from any of a person's or group's rows that hold it."""
    return ScimRow(
        id=row["id"],
        resource=gather(row, "resource"),
        created=datetime.fromisoformat(row["created"]).astimezone(UTC),
        modified=datetime.fromisoformat(row["modified"]).astimezone(UTC),
        is_kept_inactive="shutOut" in row,
    )
