"""Test Connection finds what is wrong, says what to do, and guards the start."""

from typing import Any

import pytest

from shared.admin.switch import CannotStart
from shared.admin.zoho_check import Step
from shared.app.container import Bridge
from shared.rules.store import Store
from tests.conftest import Endpoint, ZohoOne

PERSON = {"userName": "ada@contoso.example", "active": True}
SCOPE = {"code": "OAUTH_SCOPE_MISMATCH", "message": "invalid oauth scope to access this URL", "status": "error"}


def test_a_good_connection_passes_every_step(bridge: Bridge, store: Store, zoho_one: ZohoOne) -> None:
    report = bridge.switch.check(store)
    assert report.passed, report
    assert [step.step for step in report.steps] == list(Step)
    assert all(0 < step.seconds < 30 and step.reason is step.cure is None for step in report.steps)
    assert zoho_one.users() == []


@pytest.mark.parametrize(
    ("faults", "step", "reason", "cure"),
    [
        ([{"drop": "before", "times": 9}], Step.REACHABLE, "did not answer", "sync endpoint"),
        ([{"path": "/ServiceProviderConfig", "status": 502}], Step.REACHABLE, "502", "sync endpoint"),
        (
            [{"path": "/oauth/v2/token", "status": 200, "body": {"error": "invalid_code"}}],
            Step.TOKEN,
            "invalid_code",
            "then connect the store again",
        ),
        (
            [{"path": "/oauth/v2/token", "status": 200, "body": {"error": "invalid_client_secret"}}],
            Step.TOKEN,
            "invalid_client_secret",
            "then connect the store again",
        ),
        (
            [{"path": "/oauth/v2/token", "status": 400, "body": {"error": "Access Denied"}}],
            Step.TOKEN,
            "too often",
            "in a few minutes",
        ),
        ([{"path": "/Users", "status": 403}], Step.SCOPE, "403", "Organization Owner"),
        ([{"path": "/Users", "status": 401, "body": SCOPE}], Step.SCOPE, "invalid oauth scope", "Organization Owner"),
        ([{"path": "/Users", "status": 404, "times": 2}], Step.SCIM, "a slash too many", "sync endpoint"),
        (
            [{"path": "/Users", "status": 404, "body": {"detail": "No such thing"}, "times": 2}],
            Step.SCIM,
            "does not answer the query: No such thing",
            "sync endpoint",
        ),
        ([{"path": "/Users", "status": 200, "body": {"hello": 1}, "times": 2}], Step.SCIM, "not SCIM", "sync endpoint"),
        (
            [
                {"path": "/Users", "status": 200, "body": {"totalResults": 1, "Resources": [{"id": "1"}]}, "times": 2},
            ],
            Step.SCIM,
            "ignores the filter",
            "sync endpoint",
        ),
    ],
)
def test_what_is_wrong_is_named_with_its_cure(
    faults: list[dict[str, Any]], step: Step, reason: str, cure: str, bridge: Bridge, store: Store, zoho_one: ZohoOne
) -> None:
    for fault in faults:
        zoho_one.fail(**fault)
    report = bridge.switch.check(store)
    failed = report.steps[-1]
    assert (report.passed, failed.step) == (False, step), report
    assert reason in (failed.reason or "")
    assert cure in (failed.cure or "")
    assert [taken.step for taken in report.steps] == list(Step)[: len(report.steps)]


def test_a_store_that_fails_cannot_be_started_and_a_stopped_one_only_reads(
    bridge: Bridge, endpoint: Endpoint, zoho_one: ZohoOne, store_id: str
) -> None:
    store = bridge.stores.get(store_id)
    assert store is not None
    user_id = endpoint.request("POST", "/Users", json=PERSON).json()["id"]
    bridge.switch.stop(store)
    stopped = bridge.stores.get(store_id)
    assert stopped is not None
    assert not stopped.is_started
    zoho_one.fail(path="/ServiceProviderConfig", status=500)
    with pytest.raises(CannotStart, match=r"Zoho One is reachable: .*500") as cannot:
        bridge.switch.start(stopped)
    assert not cannot.value.report.passed
    assert bridge.stores.get(store_id) == stopped
    assert bridge.switch.start(stopped).passed
    assert endpoint.request("DELETE", f"/Users/{user_id}").status_code == 204


def test_a_stopped_store_says_so(
    bridge: Bridge, zoho_one: ZohoOne, store_id: str, host: str, endpoint: Endpoint
) -> None:
    store = bridge.stores.get(store_id)
    assert store is not None
    bridge.switch.stop(store)
    assert endpoint.request("GET", "/Users").status_code == 200
    assert endpoint.request("POST", "/Users/.search", json={"filter": 'userName eq "x"'}).status_code != 503
    for method, path in (("POST", "/Users"), ("PATCH", "/Users/1"), ("PUT", "/Users/1"), ("DELETE", "/Groups/1")):
        answer = endpoint.request(method, path, json=PERSON)
        assert answer.status_code == 503
        assert "Provisioning is stopped" in answer.json()["detail"]
        assert int(answer.headers["Retry-After"]) > 0
    assert zoho_one.calls() == {}
