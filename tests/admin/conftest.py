"""The fixtures of the flow's tests."""

from tests.in_memory import *  # noqa: F403 - fixtures, in the place of processes
from tests.sync.conftest import reconciled as reconciled
