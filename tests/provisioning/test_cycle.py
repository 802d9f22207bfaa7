"""The cycle on Azurite, the simulated Entra and the simulated Zoho One."""

from collections.abc import Callable
from typing import Any

import pytest

from local.people import PEOPLE
from shared.bridge import Bridge
from shared.directory.entra_connection import Scope
from shared.directory.run import RunState
from shared.directory.store import Store
from tests.conftest import Entra, ZohoOne
from tests.provisioning.reconciled import Reconciled


@pytest.fixture
def reconciled(reading_bridge: Bridge, store: Store, entra: Entra, zoho_one: ZohoOne) -> Reconciled:
    """A store whose people come from Graph."""
    return Reconciled.start(reading_bridge, store, entra, zoho_one)


def test_a_first_cycle_and_one_with_nothing_to_do(reconciled: Reconciled) -> None:
    run = reconciled.cycle()
    assert (run.state, run.errors) == (RunState.DONE, ())
    reconciled.assert_as_in_entra()
    again = reconciled.cycle()
    assert (again.state, again.planned, again.errors) == (RunState.DONE, {}, ())
    assert sum(again.calls.values()) <= 10, again.calls
