"""The attack suite starts no process: the app's parts on tables in memory, the simulators called directly."""

from tests.console.conftest import pages, sign_ins
from tests.in_memory import *  # noqa: F403 - fixtures, in the place of processes

__all__ = ["pages", "sign_ins"]
