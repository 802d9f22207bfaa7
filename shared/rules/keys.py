"""What a person is found by in a store."""

from pydantic import ConfigDict, JsonValue

from shared.model import Model
from shared.rules.scim_path import Resource


class Keys(Model):
    """What a person is found by, as Entra wrote it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    user_name: str
    external_id: str | None = None
    work_addresses: tuple[str, ...] = ()


def keys_of(resource: Resource) -> Keys:
    """The keys of a SCIM User, as Entra wrote them."""
    emails = resource.get("emails")
    work = [entry for entry in (emails if isinstance(emails, list) else []) if _is_work_address(entry)]
    external_id = resource.get("externalId")
    return Keys(
        user_name=str(resource["userName"]),
        external_id=str(external_id) if external_id else None,
        work_addresses=tuple(str(entry["value"]) for entry in work if isinstance(entry, dict)),
    )


def _is_work_address(entry: JsonValue) -> bool:
    return isinstance(entry, dict) and str(entry.get("type")).lower() == "work" and bool(entry.get("value"))
