"""Many histories, one after the other; or one of them again, for a reader."""

import argparse
import json
import time
from collections import Counter

from tests.simulation.coverage import Coverage
from tests.simulation.known import known
from tests.simulation.play import Played, play
from tests.simulation.shrink import kind_of, shortest
from tests.simulation.steps import History, drawn


def campaign(arguments: argparse.Namespace, began: float) -> int:
    """Play them; 1 where one failed."""
    covered, kinds, seed = Coverage(), Counter[str](), arguments.start
    old = Counter[str]()
    while covered.histories < arguments.histories:
        if arguments.seconds is not None and time.monotonic() - began > arguments.seconds:
            break
        history = drawn(seed, arguments.steps, faults=not arguments.calm, crowds=arguments.crowds, wild=arguments.wild)
        played = play(history)
        covered.add(played)
        seed += 1
        if not arguments.all:
            _set_apart(played, old)
        new = [each for each in played.wrong if kind_of(each) not in kinds]
        kinds.update(map(kind_of, played.wrong))
        if new:
            print(f"seed {history.seed} fails after {covered.histories} histories:", flush=True)
            for each in new:
                print(f"  {each}")
            if arguments.patience:
                _tell_shortest(history, kind_of(new[0]), arguments.patience)
            if len(kinds) >= arguments.most:
                break
        if arguments.go_on:
            arguments.go_on.parent.mkdir(exist_ok=True)
            arguments.go_on.write_text(json.dumps({"next": seed}))
    seconds = time.monotonic() - began
    print(covered.told())
    print(f"\n{covered.histories} histories in {seconds:.0f} s: {covered.histories * 60 / seconds:.0f} a minute")
    print("".join(f"known, in {count} histories: {fault}\n" for fault, count in old.most_common()), end="")
    for kind, count in kinds.most_common():
        print(f"VIOLATION {count} times: {kind}")
    return 1 if kinds else 0


def _set_apart(played: Played, old: Counter[str]) -> None:
    """Count the faults that are known, and leave what is news."""
    old.update({fault for each in played.wrong if (fault := known(each, played.history))})
    played.wrong = [each for each in played.wrong if known(each, played.history) is None]


def _tell_shortest(history: History, kind: str, seconds: float) -> None:
    found = shortest(history, kind, seconds)
    print(f"  the shortest, of {len(found.steps)} steps (make simulate SEED={history.seed} SHORTEST=1):")
    print(f"    push={found.push} graph={found.graph} everybody={found.everybody} processes={found.processes}")
    for step in found.steps:
        print(f"    {step}", flush=True)


def replay(arguments: argparse.Namespace) -> int:
    """One history for a reader; 1 where it fails."""
    history = drawn(
        arguments.seed, arguments.steps, faults=not arguments.calm, crowds=arguments.crowds, wild=arguments.wild
    )
    if arguments.shortest:
        wrong = [each for each in play(history).wrong if arguments.about in each]
        if wrong:
            history = shortest(history, kind_of(wrong[0]), arguments.patience)
    print(f"seed {history.seed} push={history.push} graph={history.graph} everybody={history.everybody}")
    played = play(history, print)
    _tell_end(played)
    for each in played.wrong:
        print(f"WRONG: {each}")
    return 1 if played.wrong else 0


def _tell_end(played: Played) -> None:
    """What the world is like at the end, and what the bridge says of it."""
    observed = played.world.observer.observed()
    for run in observed.runs:
        print(f"run {run.started:%d %b %H:%M:%S} {run.kind}: {run.state} {' | '.join(run.errors)}")
    for line in observed.lines:
        fields = "; ".join(f"{each.field}: {each.before} → {each.after}" for each in line.fields)
        print(f"history {line.at:%d %b %H:%M:%S} {line.person[:8]} {line.account}: {line.kind}, {line.reason} {fields}")
    for held in observed.held:
        moves = ", ".join(f"{move.state} {move.at:%d %b %H:%M}" for move in held.moves)
        print(f"held plan of {len(held.changes)} changes: {moves}")
    for person in observed.moments[-1].people.values():
        print(f"Entra {person.id} {person.upn} enabled={person.enabled} {person.gone} assigned={person.assigned}")
    for account in observed.accounts.values():
        print(f"Zoho One {account.id} {account.fields['userName']} active={account.active}")
