"""What a store's expressions are evaluated with: the time, chance, free names, and the tenant's default domain."""

import secrets
from collections.abc import Callable
from datetime import datetime

from shared.rules.expressions import EvaluationContext
from shared.rules.store import Store

_RANDOM = secrets.SystemRandom()


def evaluation(store: Store, now: datetime, is_taken: Callable[[str], bool] = lambda _: False) -> EvaluationContext:
    """Return it. ``is_taken``: whether Zoho One has a name already, which only SelectUniqueValue asks."""
    return EvaluationContext(now, _RANDOM, is_taken, store.default_domain or "")
