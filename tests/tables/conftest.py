"""The tests of what is kept in tables run on both: on Azurite, and on the tables in memory."""

import pytest

from tests.in_memory import memory, memory_account, noting
from tests.tables.memory.tables import MemoryTables

__all__ = ["memory", "memory_account"]


@pytest.fixture(scope="session", params=["memory", pytest.param("azurite", marks=pytest.mark.process)])
def azurite(request: pytest.FixtureRequest, memory: MemoryTables, memory_account: str) -> str:
    """The connection string of tables, once in memory and once Azurite's."""
    if request.param == "memory":
        return memory_account
    opened: str = request.getfixturevalue("azurite_process")
    return opened


@pytest.fixture
def table_calls(table_calls: list[str], memory: MemoryTables, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The methods of the calls that go to the tables, whichever they are."""
    monkeypatch.setattr(memory, "around", noting(table_calls))
    return table_calls
