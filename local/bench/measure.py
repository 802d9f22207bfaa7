"""The measuring itself, step by step."""

import itertools
import os
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from local.bench.azurite_modes import Mode
from local.bench.figures import Case, CpuTimes, Figures, PointRead, Rate, percentile
from local.bench.load import Request
from local.bench.mapping import mapping_microseconds
from local.bench.pages import page_times
from local.bench.scene import Counter, PeakMemory, Scene, busy_seconds, cpu_seconds
from local.bench.seeding import Seeded
from local.bench.traffic import STATUS, Traffic, spread_out
from local.entra.people import make_people
from local.parts import STORE
from local.processes import Processes
from shared.tables.identity_rows import Lookup

CONNECTIONS = (4, 16)
STARTS = 5
WARM_UP = 0.2  # of the seconds of each timed run, before it
READS = 100  # of one row, straight from Azurite
SAMPLE = 10  # requests sent to count their calls, and people looked up to see that the seeding holds

type Tell = Callable[[str], None]


def measure(processes: Processes, folder: Path, sizes: Sequence[int], seconds: float, tell: Tell) -> Figures:
    """Measure everything at each number of people, from the fewest on. `tell` hears what is under way."""
    figures = Figures(seconds, mapping_us=mapping_microseconds())
    scene, traffic = Scene(processes, folder), Traffic(f"/scim/{STORE}")
    seeded: list[Seeded] = []
    people = make_people(max(sizes))
    for size in sorted(sizes):
        tell(f"{size:,} people: putting them into the store and into Zoho One")
        scene.tables.switch(Mode.BY_KEY)
        seeded += scene.seeder.seed(people[len(seeded) : size])
        if not figures.first_answer_seconds:
            tell("starting the function host several times")
            figures.first_answer_seconds = _first_answers(scene, traffic.of(Case.GET, seeded)[0])
        _measure_size(Run(scene, traffic, seeded, figures), tell)
    return figures


class Run:
    """What is measured at one number of people."""

    def __init__(self, scene: Scene, traffic: Traffic, seeded: Sequence[Seeded], figures: Figures) -> None:
        self.scene, self.traffic, self.seeded, self.figures = scene, traffic, seeded, figures
        self.table_calls = self._table_calls()
        self.host = scene.start_host()

    def check(self) -> None:
        """See in a sample that the store and Zoho One know the people. Raises RuntimeError."""
        sample = spread_out(self.seeded, SAMPLE)
        for get, one in zip(self.traffic.of(Case.GET, sample), sample, strict=True):
            if [found["id"] for found in self.host.send(get, 200)["Resources"]] != [one.id]:
                raise RuntimeError("a seeded person is not found")
        switches = self.traffic.of(Case.PATCH, sample)
        for switch_off in switches[: len(sample)]:
            self.host.send(switch_off, 200)
        names = {one.person.user_principal_name for one in sample}
        if names != {user["userName"] for user in self.scene.accounts() if not user["active"]} & names:
            raise RuntimeError("what was switched off in the store is not in Zoho One")
        for switch_on in switches[len(sample) :]:
            self.host.send(switch_on, 200)

    def rate(self, case: Case, connections: int) -> Rate:
        """One timed run."""
        plan = {
            "connections": connections,
            "warm_up": WARM_UP * self.figures.seconds,
            "seconds": self.figures.seconds,
            "status": STATUS[case],
            "requests": self.traffic.of(case, self.seeded),
            "repeat": case is not Case.POST,
        }
        busy, started, before = busy_seconds(), time.perf_counter(), self.scene.cpu_seconds(self.host)
        result = self.scene.load(self.host, plan)
        used = [end - start for start, end in zip(before, self.scene.cpu_seconds(self.host), strict=True)]
        processors = (time.perf_counter() - started) * (os.cpu_count() or 1)
        others = busy_seconds() - busy - sum(used) - result.cpu_seconds
        host, azurite, zoho_one, generator = (one * 1000 / max(result.sent, 1) for one in (*used, result.cpu_seconds))
        return Rate(
            case=case,
            people=len(self.seeded),
            azurite=self.scene.tables.mode,
            connections=connections,
            requests=len(result.milliseconds),
            per_second=len(result.milliseconds) / result.seconds if result.seconds else 0.0,
            p50_ms=percentile(result.milliseconds, 0.5),
            p99_ms=percentile(result.milliseconds, 0.99),
            table_calls=self.table_calls[case],
            refused=result.refused,
            cpu_ms=CpuTimes(host, azurite, zoho_one, generator),
            others_share=max(others / processors, 0.0),
        )

    def point_read(self) -> PointRead:
        """One row read without the bridge, and the same through it, with nothing else going on."""
        azurite, read = self.scene.tables.azurite.process, self.scene.identities.find
        names = [one.person.user_principal_name for one in spread_out(self.seeded, READS)]
        for name in names[:10]:  # the first ones open connections
            read(STORE, Lookup.USER_NAME, name)
        cpu, times = cpu_seconds(azurite), []
        for name in names:
            started = time.perf_counter()
            read(STORE, Lookup.USER_NAME, name)
            times.append((time.perf_counter() - started) * 1000)
        cpu = cpu_seconds(azurite) - cpu
        return PointRead(
            people=len(self.seeded),
            azurite=self.scene.tables.mode,
            sdk_ms=statistics.median(times),
            azurite_cpu_ms=cpu * 1000 / len(times),
            get_ms=self.rate(Case.GET, 1).p50_ms,
        )

    def trivial_route(self) -> float:
        """Answers a second where no function runs: an upper bound for what the generator can send."""
        plan = {
            "connections": max(CONNECTIONS),
            "warm_up": WARM_UP * self.figures.seconds,
            "seconds": self.figures.seconds,
            "status": 404,
            "requests": [Request("GET", "/nothing")],
        }
        result = self.scene.load(self.host, plan)
        if result.refused:
            raise RuntimeError("the host has a function where none should be")
        return len(result.milliseconds) / result.seconds

    def _table_calls(self) -> dict[Case, float]:
        """Calls to the tables a request, counted on the wire to a host of its own, warm."""
        counter, calls = Counter(), {}
        untouched = self.seeded[-SAMPLE // 2 :]  # each of them is switched off and on
        with self.scene.tables_gate(counter) as gate:
            host = self.scene.start_host(gate)
            host.send(self.traffic.of(Case.POST, self.seeded)[0], STATUS[Case.POST])  # the first one reads the secrets
            for case in Case:
                counter.calls = 0
                sent = self.traffic.of(case, untouched)[:SAMPLE]
                for request in sent:
                    host.send(request, STATUS[case])
                calls[case] = counter.calls / len(sent)
            host.process.stop()
        return calls


def _measure_size(run: Run, tell: Tell) -> None:
    run.check()
    figures, size = run.figures, len(run.seeded)
    with PeakMemory(run.host.process) as memory:
        figures.trivial_route_per_second = max(figures.trivial_route_per_second, run.trivial_route())
        for mode in Mode:
            run.scene.tables.switch(mode)
            tell(f"{size:,} people, Azurite {mode}: one row at a time")
            figures.point_reads.append(run.point_read())
            tell(f"{size:,} people, Azurite {mode}: the console's pages")
            figures.pages += page_times(run.host.url, run.seeded, mode)
            for case, connections in itertools.product(Case, CONNECTIONS):
                tell(f"{size:,} people, Azurite {mode}: {case} on {connections} connections")
                figures.rates.append(run.rate(case, connections))
    figures.peak_memory_mib = max(figures.peak_memory_mib, memory.mib)
    run.host.process.stop()


def _first_answers(scene: Scene, request: Request) -> list[float]:
    """Seconds from the start of the host process to its first answer."""
    seconds = []
    for _ in range(STARTS):
        started = time.perf_counter()
        host = scene.start_host()
        host.send(request, 200)
        seconds.append(time.perf_counter() - started)
        host.process.stop()
    return seconds
