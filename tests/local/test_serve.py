"""`python -m local serve` and `run` as a user starts and stops them."""

import json
import signal
import subprocess
import sys
from contextlib import ExitStack

import psutil
import requests

from local.processes import ROOT

KEYS = {
    *("sync_endpoint", "secret_token", "tenant_url", "zoho_one", "graph", "console", "azurite", "store", "settings"),
    *("zoho_sync_endpoint", "zoho_client_id", "zoho_client_secret", "zoho_scim_token"),
}


def test_serve_says_where_it_is_in_one_line_and_leaves_no_child() -> None:
    """Here after SIGTERM; after Ctrl-C in tests/conformance/test_scim2_tester.py."""
    command = [sys.executable, "-m", "local", "serve", "--people", "3"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process, ExitStack() as stack:
        assert process.stdout is not None
        served = json.loads(process.stdout.readline())
        stack.callback(process.terminate)  # where an assertion fails, it is not waited for until the time limit
        children = psutil.Process(process.pid).children(recursive=True)
        assert served.keys() == KEYS
        headers = {"Authorization": f"Bearer {served['secret_token']}"}
        people = requests.get(f"{served['sync_endpoint']}/Users", headers=headers, timeout=10).json()
        assert people["totalResults"] == 3
        assert len(requests.get(f"{served['zoho_one']}/_state", timeout=10).json()["users"]) == 3
        assert all("127.0.0.1" in served[name] for name in ("sync_endpoint", "zoho_one", "graph", "azurite"))
        for child in children:
            for connection in child.net_connections():
                assert connection.status != "LISTEN" or connection.laddr.ip == "127.0.0.1", child.cmdline()
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
        assert process.stdout.read() == "", "exactly one line"
    _, left = psutil.wait_procs(children, 10)
    assert not left
