"""The fixtures of the flow's tests."""

from tests.sync.conftest import reconciled

__all__ = ["reconciled"]
