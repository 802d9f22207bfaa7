"""What the tests of the flow have, too."""

from tests.sync.conftest import reconciled

__all__ = ["reconciled"]
