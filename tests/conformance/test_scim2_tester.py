"""The checks of scim2-tester, a SCIM client this project did not write, against `python -m local serve`."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator

import httpx2
import psutil
import pytest
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_tester import CheckResult, Status, check_server

from local.processes import ROOT
from shared.rules.guard_limits import GuardLimits, Threshold
from shared.tables.service import connect
from shared.tables.stores import Stores


@pytest.fixture
def served() -> Iterator[dict[str, str]]:
    """What `serve` prints when it is ready."""
    command = [sys.executable, "-m", "local", "serve", "--no-guard"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        # The checks disable and delete whom they have made, which the guard would stop.
        never = Threshold(count=10**9, percent=100)
        unguarded = GuardLimits(leavings=never, leavings_share=None, leavings_most=None, members=never)
        stores = Stores(connect(ready["azurite"]).get_table_client("stores"))
        stores.change(ready["store"], lambda store: store.model_copy(update={"guard": unguarded}))
        children = psutil.Process(process.pid).children(recursive=True)
        yield ready
        process.send_signal(signal.SIGINT)  # Ctrl-C, where tests/local/test_serve.py sends SIGTERM
        assert process.wait(20) == 0
        assert process.stdout.read() == "", "exactly one line"
    _, left = psutil.wait_procs(children, 10)
    assert not left


def _is_added(result: CheckResult) -> bool:
    """Whether a value was added to a list that had one: RFC 7644 §3.5.2.1 keeps both, and the tester forgets the first.

    It adds an extension as a whole, and then a value to each of its attributes.
    """
    data = result.data if isinstance(result.data, dict) else {}
    expected, found = data.get("expected"), data.get("modify_actual")
    if result.title != "check_add_attribute" or not isinstance(expected, list) or not isinstance(found, list):
        return False
    return len(found) == 2 and found[1:] == expected


def test_no_check_fails(served: dict[str, str]) -> None:
    headers = {"Authorization": f"Bearer {served['secret_token']}"}
    with httpx2.Client(base_url=served["sync_endpoint"], headers=headers, timeout=60) as client:
        results = check_server(SyncSCIMClient(client))
    failed = [
        f"{result.title}: {result.reason}"
        for result in results
        if result.status not in (Status.SUCCESS, Status.SKIPPED, Status.ACCEPTABLE) and not _is_added(result)
    ]
    assert not failed
    assert len([result for result in results if result.status is Status.SUCCESS]) > 50
