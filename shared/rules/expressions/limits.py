"""How large an expression, its values and its work may become.

An expression has no loops and each node of it is evaluated at most once, so `MAX_NODES` is also the largest number of
evaluation steps; with `MAX_TEXT` for what a step may produce and `PATTERN_SECONDS` for what a regular expression may
take, the work of any expression is bounded before it runs.
"""

from typing import Final

MAX_EXPRESSION: Final = 10_000
"""Characters in an expression: Entra's own limit."""

MAX_DEPTH: Final = 50
"""Functions nested in functions. Entra states none; people write fewer than ten, Python's stack takes hundreds."""

MAX_NODES: Final = 2_500
"""Constants, attributes, comparisons and calls, and so evaluation steps. A `Switch` of one-letter keys and values that
fills `MAX_EXPRESSION` has as many."""

MAX_TEXT: Final = 32_768
"""Characters in a text, or in all values of a multi-valued one together: what a property in Table Storage holds (64 KiB
of UTF-16), and so the most that could ever be kept."""

MAX_INTEGER: Final = 2**63 - 1
"""The largest whole number: .NET's Int64, in which AD's dates are kept."""

MAX_RANDOM_TEXT: Final = 256
"""Characters from RandomString: its reference page's limit."""

MAX_PATTERN: Final = 1_000
"""Characters in a regular expression, before its counted repeats are written out."""

MAX_PATTERN_SIZE: Final = 2_000
"""Elements in a regular expression once `{n}` is written out, as `regex` does when it compiles: nested counts multiply,
and a million elements take 300 MB."""

MAX_PATTERNS: Final = 20
"""Regular expressions in one expression, so that all of them together take at most a second."""

PATTERN_SECONDS: Final = 0.05
"""Seconds one regular expression may take for one person; an ordinary one takes microseconds."""
