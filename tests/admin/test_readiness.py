"""Zoho One and Graph are checked rarely, however often the result is requested."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Event

import pytest

from shared.admin.graph_check import GraphCheck
from shared.admin.readiness import GRAPH, OUTDATED, REMEMBERED, ZOHO_ONE, Readiness, is_ready
from shared.rules.store import Store
from shared.tables.errors import TablesBusy
from tests.mail.office import Clock
from tests.sync.reconciled import Reconciled

PATIENCE = 20.0


def _readiness(reconciled: Reconciled, clock: Clock) -> Readiness:
    bridge = reconciled.bridge
    graph = GraphCheck(bridge.secrets, bridge.entra_session, local=True)
    return Readiness({ZOHO_ONE: bridge.switch.check.quick, GRAPH: graph.quick}, clock)


def test_many_watchers_cost_what_one_does(reconciled: Reconciled) -> None:
    clock = Clock()
    readiness, stores = _readiness(reconciled, clock), [reconciled.store]
    with ThreadPoolExecutor(8) as watchers:
        found = list(watchers.map(lambda _: readiness.of(stores, PATIENCE), range(24)))
    for said in found:
        assert {name: answer and answer.reason for name, answer in said[reconciled.store_id].items()} == {
            ZOHO_ONE: None,
            GRAPH: None,
        }
        assert is_ready(said)
    asked = {"GET /ServiceProviderConfig": 2}, {"GET /v1.0/users": 1}
    assert (reconciled.zoho_one.calls(), reconciled.entra.calls()) == asked
    clock.ahead = REMEMBERED
    readiness.of(stores, PATIENCE)
    assert reconciled.zoho_one.calls() == {"GET /ServiceProviderConfig": 4}
    assert reconciled.entra.calls() == {"GET /v1.0/users": 2}


def test_what_does_not_answer_says_why_and_is_remembered_too(reconciled: Reconciled) -> None:
    clock = Clock()
    readiness, stores = _readiness(reconciled, clock), [reconciled.store]
    reconciled.zoho_one.fail(method="GET", path="/ServiceProviderConfig", status=503)
    reconciled.entra.set(permissions=[])
    for _ in range(2):
        said = readiness.of(stores, PATIENCE)
        zoho_one, graph = said[reconciled.store_id][ZOHO_ONE], said[reconciled.store_id][GRAPH]
        assert zoho_one is not None
        assert zoho_one.reason is not None
        assert graph is not None
        assert "User.Read.All" in str(graph.reason)
        assert not is_ready(said)
    reconciled.entra.set(permissions=["User.Read.All"])
    clock.ahead = REMEMBERED
    readiness.of(stores, PATIENCE)
    assert reconciled.zoho_one.calls() == {"GET /ServiceProviderConfig": 3}


def test_nobody_waits_and_nothing_is_kept_of_a_store_that_is_gone(store: Store) -> None:
    may_answer, clock = Event(), Clock()

    def ask(_: Store) -> None:
        assert may_answer.wait(PATIENCE)

    readiness = Readiness({ZOHO_ONE: ask}, clock)
    others = [store.model_copy(update={"id": f"s{number}"}) for number in range(3)]
    assert readiness.of([store, *others], 0.01)[store.id] == {ZOHO_ONE: None}
    may_answer.set()
    assert readiness.of([store, *others], PATIENCE)[store.id][ZOHO_ONE] is not None
    assert len(readiness._known) == 4
    readiness.of([store])
    assert len(readiness._known) == 1
    may_answer.clear()
    clock.ahead = REMEMBERED
    assert readiness.of([store])[store.id][ZOHO_ONE] is not None, "the old answer, while it is asked anew"
    clock.ahead = OUTDATED
    assert readiness.of([store])[store.id] == {ZOHO_ONE: None}, "too old to count"
    may_answer.set()


@pytest.mark.parametrize("error", [TablesBusy("Table Storage did not answer (503)"), RuntimeError("secret")])
def test_an_asking_that_goes_wrong_is_an_answer(error: Exception, store: Store) -> None:
    def ask(_: Store) -> None:
        raise error

    answer = Readiness({ZOHO_ONE: ask}, Clock()).of([store], PATIENCE)[store.id][ZOHO_ONE]
    assert answer is not None
    assert str(answer.reason).startswith("It could not be asked")
    assert "secret" not in str(answer.reason)
    assert timedelta() <= Clock()() - answer.at < timedelta(seconds=PATIENCE)
