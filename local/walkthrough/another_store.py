"""A second directory store with other settings, which shares the first one's consent, or has a SCIM token."""

import secrets
from typing import Any

from shared.app.container import Bridge
from shared.rules.mail.password import PasswordNotification
from shared.rules.secret_token import token_hash


def add_another_store(
    store_id: str, suffix: str, bridge: Bridge, *, scim_token: str | None = None, **settings: Any
) -> tuple[str, str]:
    """Add a store named after the first one, which mails no passwords; return its id and its secret token."""
    store, kept, token = bridge.stores.get(store_id), bridge.connections.read(store_id), secrets.token_urlsafe(32)
    assert store is not None  # the walkthrough has connected it
    assert kept is not None
    assert kept.connection.data_center is not None
    new_id = f"{store_id}-{suffix}"
    changes = {"id": new_id, "password_notification": PasswordNotification(), "token_hashes": (token_hash(token),)}
    new = store.model_copy(update=changes | settings)
    bridge.stores.put(new)
    if scim_token is not None:
        bridge.scim_tokens.save(new, scim_token, "walkthrough")
    else:
        bridge.connections.save(new_id, bridge.push.now(), kept.connection.data_center, kept.tokens)
    return new_id, token
