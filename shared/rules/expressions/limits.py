"""Limits on the size of an expression, its values and its work.

An expression has no loops and each node is evaluated at most once, so `MAX_NODES` is also the largest number of
evaluation steps. `MAX_TEXT` limits the result of a step and `PATTERN_SECONDS` the time of a regular expression, so the
work of any expression is bounded before it runs.
"""

from typing import Final

MAX_EXPRESSION: Final = 10_000
"""Characters in an expression: Entra's own limit."""

MAX_DEPTH: Final = 50
"""Functions nested in functions. Entra states none; people write fewer than ten, Python's stack takes hundreds."""

MAX_NODES: Final = 2_500
"""Constants, attributes, comparisons and calls, and so evaluation steps. A `Switch` of one-letter keys and values
that fills `MAX_EXPRESSION` has this many.
"""

MAX_TEXT: Final = 32_768
"""Characters in a text, or in all values of a multi-valued one together: the capacity of a property in Table Storage
(64 KiB of UTF-16), and so the most that could ever be stored.
"""

MAX_INTEGER: Final = 2**63 - 1
"""The largest whole number: .NET's Int64, in which AD stores its dates."""

MAX_RANDOM_TEXT: Final = 256
"""Characters from RandomString: its reference page's limit."""

MAX_PATTERN: Final = 1_000
"""Characters in a regular expression, before its counted repeats are expanded."""

MAX_PATTERN_SIZE: Final = 2_000
"""Elements in a regular expression once `{n}` is expanded, as `regex` does when it compiles: nested counts multiply,
and a million elements take 300 MB.
"""

MAX_PATTERNS: Final = 20
"""Regular expressions in one expression, so that all of them together take at most a second."""

PATTERN_SECONDS: Final = 0.05
"""Seconds one regular expression may take for one person; an ordinary one takes microseconds."""
