"""How many histories it takes to notice each cure taken back: `python -m tests.simulation.mutations [NAME…]`."""

import re
import subprocess
import sys
import time

from tests.simulation.mutations import MUTATIONS

MOST = 5000
"""Histories for each."""


def main(names: list[str]) -> int:
    """Try them one after the other; 1 where one was not noticed."""
    missed = 0
    for name in names or MUTATIONS:
        began = time.monotonic()
        command = [sys.executable, "-m", "tests.simulation", "--histories", str(MOST), "--mutation", name]
        told = subprocess.run([*command, "--patience", "0"], capture_output=True, text=True, check=False).stdout
        found = re.search(r"seed (\d+) fails after (\d+) histories:\n  (.*)", told)
        missed += found is None
        after = f"after {found[2]} histories: {found[3][:90]}" if found else "NOT NOTICED"
        print(f"{name:22} {after}   ({time.monotonic() - began:.0f} s)", flush=True)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
