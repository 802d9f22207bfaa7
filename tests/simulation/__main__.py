"""Play histories: `python -m tests.simulation --histories N --start S --seconds T`, or one again: `--seed S`.

It prints what was covered, and for each history that fails its seed and the shortest history that fails in the same
way; the status is 1 then. `--seed S` shows each step and outside call; `--shortest` those of the shortest one.
"""

import argparse
import json
import os
import sys
import time
from pathlib import Path


def main() -> int:
    """What was asked for on the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--histories", type=int, default=50)
    parser.add_argument("--start", type=int, default=0, help="the first seed")
    parser.add_argument("--seconds", type=float, help="at most so long")
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--seed", type=int, help="play this one alone, and tell of each step and call")
    parser.add_argument("--shortest", action="store_true", help="with --seed: the shortest that fails in the same way")
    parser.add_argument("--about", default="", help="with --shortest: the failure whose sentence holds this text")
    parser.add_argument("--calm", action="store_true", help="without faults")
    parser.add_argument("--crowds", action="store_true", help="several people leave at once, too")
    parser.add_argument("--wild", action="store_true", help="crowds, and what else still finds faults: see steps.py")
    parser.add_argument("--patience", type=float, default=60, help="seconds for finding the shortest; 0: not at all")
    parser.add_argument("--most", type=int, default=1, help="end after so many kinds of failures")
    parser.add_argument("--all", action="store_true", help="fail for faults that are known, too: see known.py")
    parser.add_argument("--mutation", help="take a cure back first: a name in tests/simulation/mutations")
    parser.add_argument("--go-on", type=Path, metavar="FILE", help="begin after the last seed there, and note the last")
    arguments = parser.parse_args()
    if os.environ.get("PYTHONHASHSEED") != "0":  # sets of texts have an order of their own in each process otherwise
        os.environ["PYTHONHASHSEED"] = "0"
        os.execv(sys.executable, [sys.executable, "-m", "tests.simulation", *sys.argv[1:]])
    from tests.simulation.campaign import campaign, replay
    from tests.simulation.world import prepare

    prepare()
    if arguments.mutation:
        from tests.simulation.mutations import take_back

        take_back(arguments.mutation)
    if arguments.seed is not None:
        return replay(arguments)
    if arguments.go_on and arguments.go_on.exists():
        arguments.start = json.loads(arguments.go_on.read_text())["next"]
    return campaign(arguments, time.monotonic())


if __name__ == "__main__":
    sys.exit(main())
