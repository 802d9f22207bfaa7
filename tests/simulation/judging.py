"""What the checkers say of a world at its end."""

from tests.simulation.facts import Facts
from tests.simulation.openness import unexplained
from tests.simulation.reference import differences
from tests.simulation.world import World


def checked(world: World) -> list[str]:
    """What is wrong, a sentence each."""
    observed = world.observer.observed()
    facts = Facts(observed)
    return [str(each) for views in differences(facts) for each in unexplained(facts, views)]
