"""The changes that administrators made to a directory store: the rows of its change record."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import AwareDatetime, ConfigDict

from shared.model import Model
from shared.rules.store import Store

LONGEST = 300
"""Maximum number of characters stored of a value: only the start of a mail template is shown."""
_COUNTED = "token_hashes"


class SettingChange(Model):
    """One setting before and after, as text; None is not set."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    setting: str
    before: str | None
    after: str | None


class AdminChange(Model):
    """One change that an administrator made to a store."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    at: AwareDatetime
    by: str
    """The administrator as shown to other administrators: name, and object id in Entra."""
    what: str
    changes: tuple[SettingChange, ...] = ()


def setting_changes(before: Store | None, after: Store | None) -> tuple[SettingChange, ...]:
    """The settings in which two states of a store differ; for secret tokens only their number."""
    old, new = (dict(_flat("", _settings(store))) if store else {} for store in (before, after))
    return tuple(
        SettingChange(setting=name, before=old.get(name), after=new.get(name))
        for name in dict.fromkeys((*old, *new))
        if old.get(name) != new.get(name)
    )


def _settings(store: Store) -> dict[str, Any]:
    settings = store.model_dump(mode="json", exclude_none=True)
    settings[_COUNTED] = len(store.token_hashes)
    if store.oauth_client is not None:
        settings["oauth_client"]["secret_hashes"] = len(store.oauth_client.secret_hashes)
    if store.criteria is not None:
        settings["criteria"] = str(store.criteria)
    return settings


def _flat(name: str, value: object) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key, part in value.items():
            yield from _flat(f"{name}.{key}" if name else str(key), part)
        return
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    yield name, text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
