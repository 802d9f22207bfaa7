"""What the checkers say of a world at its end."""

from collections.abc import Sequence

from tests.simulation.checkers import violations
from tests.simulation.world import World


def checked(world: World) -> Sequence[str]:
    """What is wrong, a sentence each."""
    return violations(world.observer.observed())
