"""The actions that steps name."""

from collections.abc import Callable
from typing import Any

ACTS: dict[str, Callable[[Any, int, int], None]] = {}
"""Each takes the world and a step's two numbers, and does nothing where there is nobody to do it to."""


def act(name: str) -> Callable[[Callable[[Any, int, int], None]], Callable[[Any, int, int], None]]:
    """Let steps know an action by a name."""

    def known(action: Callable[[Any, int, int], None]) -> Callable[[Any, int, int], None]:
        assert name not in ACTS, name  # each name is one action
        ACTS[name] = action
        return action

    return known
