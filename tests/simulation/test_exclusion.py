"""Who is at what: tests of the simulation's own eye for two workers at one thing."""

from tests.simulation.exclusion import Exclusion
from tests.simulation.outside import Outside
from tests.simulation.schedule import Process, Schedule


def at_work(first_dies: bool = False, second: str = "z1", at: float = 5.0) -> list[str]:
    """What is said of two processes that write to Zoho One for ten seconds, the second from ``at`` on."""
    schedule = Schedule()
    exclusion = Exclusion(Outside(schedule, chance=None))  # type: ignore[arg-type]  # nothing goes wrong by chance
    processes = Process("p0"), Process("p1")

    def write(account: str) -> None:
        exclusion.lease("cycle:contoso", account + str(schedule.seconds))
        with exclusion.writing("PATCH", "Users", account, ""):
            schedule.sleep(10)
        exclusion.lease("cycle:contoso", "")

    schedule.spawn(processes[0], "first", lambda: write("z1"))
    schedule.spawn(processes[1], "second", lambda: write(second), after=at)
    if first_dies:
        schedule.at(2, lambda: schedule.kill(processes[0]))
    schedule.run(60)
    return [each.what for each in exclusion.broken]


def test_two_at_once_are_seen_and_two_one_after_the_other_are_not() -> None:
    assert at_work() == ["lease cycle:contoso", "user z1"]
    assert at_work(second="z2") == ["lease cycle:contoso"]
    assert at_work(at=20) == []


def test_who_takes_over_from_a_dead_one_does_right() -> None:
    assert at_work(first_dies=True) == []
