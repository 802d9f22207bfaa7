"""What the checkers say of a world at its end."""

from tests.simulation.checkers import violations
from tests.simulation.world import World


def checked(world: World) -> list[str]:
    """What is wrong, a sentence each."""
    return list(violations(world.observer.observed()))
