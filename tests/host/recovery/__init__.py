"""How long it takes until work goes on after a fault, measured on hosts that are really killed, in real time.

`python -m tests.host.recovery` measures all of it and prints the table of docs/operations.md.
"""
