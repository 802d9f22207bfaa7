"""A store whose people come from Graph, and one for groups."""

import pytest

from shared.app.container import Bridge
from shared.rules.store import Store
from tests.conftest import Endpoint, Entra, ZohoOne
from tests.in_memory import *  # noqa: F403 - fixtures, in the place of processes
from tests.sync.grouped import Grouped
from tests.sync.reconciled import Reconciled


@pytest.fixture
def reconciled(reading_bridge: Bridge, store: Store, entra: Entra, zoho_one: ZohoOne) -> Reconciled:
    """A store whose people come from Graph."""
    return Reconciled.start(reading_bridge, store, entra, zoho_one)


@pytest.fixture
def grouped(endpoint: Endpoint, zoho_one: ZohoOne) -> Grouped:
    """A store for groups."""
    return Grouped(endpoint, zoho_one)
