"""What a process does that is killed between a creation and its mail. Each is forked from one that has the imports."""

from dataclasses import dataclass
from typing import Any

from shared.app.container import Bridge
from shared.settings import Settings

ADA = "ada@contoso.example"
PERSON: dict[str, Any] = {"userName": ADA, "active": True, "emails": [{"type": "work", "value": ADA}]}


@dataclass(frozen=True)
class Doomed:
    """What the process knows."""

    settings: dict[str, str]
    store: str


def create(doomed: Doomed) -> None:
    """Take Entra's request for a new person to Zoho One, and mail him."""
    bridge = Bridge(Settings.model_validate(doomed.settings))
    store = bridge.stores.get(doomed.store)
    assert store is not None
    bridge.push.create(store, PERSON)


def retry(doomed: Doomed) -> None:
    """The timer finds a mail that did not go."""
    bridge = Bridge(Settings.model_validate(doomed.settings))
    store = bridge.stores.get(doomed.store)
    assert store is not None
    bridge.password_mails.work_through([store])
