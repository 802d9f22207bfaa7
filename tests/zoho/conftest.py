"""The tests of the client of Zoho One start no process."""

from tests.in_memory import *  # noqa: F403 - fixtures, in the place of processes
