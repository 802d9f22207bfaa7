"""Runs a module that must not outlive the process that started it: `python -m local.lifeline MODULE [ARGUMENT …]`.

The standard input is the lifeline: a pipe whose other end only the parent holds, so that it closes when the parent
ends, for whatever reason. A signal like Linux's PR_SET_PDEATHSIG would not work on macOS and would follow a single
thread of the parent.
"""

import os
import runpy
import sys
import threading


def _exit_when_input_ends() -> None:
    descriptor = sys.stdin.fileno()
    while os.read(descriptor, 1024):
        pass
    os._exit(1)  # nobody waits for a clean end


def main() -> None:
    """Run the module named first as `__main__`, with the arguments that follow it."""
    del sys.argv[0]
    threading.Thread(target=_exit_when_input_ends, name="lifeline", daemon=True).start()
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
