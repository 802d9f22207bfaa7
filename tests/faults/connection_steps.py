"""What a process does that is killed over it: each in a process of its own, forked from one that has the imports."""

from dataclasses import dataclass

from shared.app.container import Bridge
from shared.connection.consent import ConsentAnswer
from shared.settings import Settings

ADMIN = "local"


@dataclass(frozen=True)
class Doomed:
    """What the process knows."""

    settings: dict[str, str]
    store: str
    answer: dict[str, str]
    cookies: dict[str, str]


def callback(doomed: Doomed) -> None:
    """Take Zoho's answer."""
    bridge = _bridge(doomed)
    bridge.consent.answer(ConsentAnswer.model_validate(doomed.answer), ADMIN, doomed.cookies)


def refresh(doomed: Doomed) -> None:
    """Call Zoho One with a token that has to be renewed."""
    bridge = _bridge(doomed)
    store = bridge.stores.get(doomed.store)
    assert store is not None
    bridge.users(store).find("ada@contoso.example")


def disconnect(doomed: Doomed) -> None:
    """End the connection."""
    _bridge(doomed).disconnect(doomed.store)


def _bridge(doomed: Doomed) -> Bridge:
    return Bridge(Settings.model_validate(doomed.settings))
