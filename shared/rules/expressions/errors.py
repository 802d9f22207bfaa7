"""What can go wrong with an expression: it does not compile, or it has no answer for this person."""


class ExpressionError(ValueError):
    """The text is no expression; `reason` says what to do, `position` where it is needed (0-based character)."""

    def __init__(self, position: int, reason: str) -> None:
        super().__init__(f"At character {position}: {reason}")
        self.position = position
        self.reason = reason


class EvaluationError(ValueError):
    """An expression has no answer for the values it was given; `function` is the one that refused them."""

    def __init__(self, function: str, reason: str) -> None:
        super().__init__(f"{function}: {reason}" if function else reason)
        self.function = function
        self.reason = reason


class RefusedError(Exception):
    """A value does not fit where it stands. Inside this package only: the caller knows the position or the function."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class IgnoreFlow(Exception):
    """IgnoreFlowIfNullOrEmpty met null or empty, however deep in the expression.

    Not an error, and inside this package only: `Expression.evaluate` answers `IGNORED` for it.
    """
