"""verify.sh says ready, or names the step that is not: against an app that does each of them wrong."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from local.processes import ROOT
from tests.infra.azure_cli import port
from tools.infra.package import deployed_files

LOGIN = (
    "https://login.microsoftonline.com/t/oauth2/v2.0/authorize?client_id=c&state=s&code_challenge=x"
    "&redirect_uri=https%3A%2F%2Fapp.example%2Fconsole%2Fsign-in%2Fcallback"
)
SCIM = b'{"schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"], "status": "404"}'
ROLES = [
    "Key Vault Secrets User",
    "Monitoring Metrics Publisher",
    "Storage Blob Data Owner",
    "Storage Queue Data Contributor",
    "Storage Table Data Contributor",
]


@dataclass
class App:
    """An app that answers as the bridge does, less what a test changes."""

    url: str = ""
    health: int = 200
    login: str = LOGIN
    forged_state: int = 400
    scim: dict[str, int] = field(default_factory=dict)
    """Status for a kind of bearer token: "plain" or "jwt"."""
    believes_headers_at: str | None = None


type Answer = tuple[int, bytes, str]
"""Status, body, and where it leads to."""


def _answer(app: App, path: str, token: str, forged: bool) -> Answer:
    if path.startswith("/scim/no-such-store"):
        status = app.scim.get("jwt" if "." in token else "plain", 404)
        return status, SCIM if status == 404 else b"{}", ""
    if forged and path == app.believes_headers_at:
        return 200, b"Add Directory", ""
    answers: dict[str, Answer] = {
        "/health": (app.health, b"not ready: tables", ""),
        "/console/sign-in": (302, b"", app.login),
        "/console/sign-in/callback": (app.forged_state, b"", ""),
        "/console": (302, b"", "/console/sign-in?to=%2Fconsole"),
        "/console/stores": (302, b"", "/console/sign-in?to=%2Fconsole%2Fstores"),
    }
    return answers.get(path, (404, b"", ""))


@pytest.fixture
def app() -> Iterator[App]:
    """Served on a free port."""
    served = App()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            token, forged = self.headers.get("Authorization", ""), "X-MS-CLIENT-PRINCIPAL" in self.headers
            status, body, location = _answer(served, self.path.partition("?")[0], token, forged)
            self.send_response(status)
            if location:
                self.send_header("Location", location)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Quietly."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served.url = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield served
    server.shutdown()
    server.server_close()
    thread.join()


def _functions() -> list[str]:
    code = "".join((ROOT / path).read_text() for path in deployed_files() if path.startswith("functions/"))
    return [part.partition('"')[0] for part in code.split('function_name("')[1:]]


def _verify(app: App, folder: Path, *options: str, **graph: object) -> tuple[int, str]:
    state = {"functions": _functions(), "roles": ROLES, "heartbeats": 3} | graph
    (folder / "state.json").write_text(json.dumps({"graph": state}))
    for name, target in (("python3", sys.executable), ("az", ROOT / "tests/infra/az")):
        if not (folder / name).is_symlink():
            (folder / name).symlink_to(target)
    environment = {
        "PATH": f"{folder}:/usr/bin:/bin",
        "AZ_STATE": str(folder / "state.json"),
        "AZ_PORT": port(),
        "HOME": os.environ["HOME"],
        "CONSOLE_URL": f"{app.url}/console",
        "FUNCTION_APP_NAME": "func",
        "AZURE_RESOURCE_GROUP": "rg",
        "LIMIT": "0",
        "LOGS_LIMIT": "0",
        "PACE": "0",
    }
    command = ["bash", str(ROOT / "infra/scripts/verify.sh"), *options]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout + done.stderr


def test_a_bridge_that_works_is_ready(app: App, tmp_path: Path) -> None:
    status, told = _verify(app, tmp_path, "--logs")
    assert (status, f"ready: {app.url}/console" in told) == (0, True), told
    status, told = _verify(app, tmp_path, heartbeats=0)
    assert (status, "no heartbeat has arrived yet" in told) == (0, True), told


def test_each_step_that_is_not_in_order_is_named(app: App, tmp_path: Path) -> None:
    def named(step: str, *options: str, **graph: object) -> None:
        status, told = _verify(app, tmp_path, *options, **graph)
        assert (status, f"error: not ready: {step}" in told) == (1, True), (step, told)
        assert "Traceback" not in told

    named("The functions are listed: missing are carry_out", functions=[])
    named("The functions are listed: missing are tick", functions=[name for name in _functions() if name != "tick"])
    named("References to the Key Vault are resolved: BRIDGE_ENCRYPTION_KEYS", unresolved="BRIDGE_ENCRYPTION_KEYS")
    named("The identity's roles are in force: Storage Table Data Contributor is missing", roles=ROLES[:-1])
    named("no heartbeat arrived in ten minutes", "--logs", heartbeats=0)
    app.health = 503
    named("/health?ready answers: 503 not ready: tables")
    app.health, app.login = 200, "https://evil.example/?client_id=c"
    named("The console leads to the sign-in: it leads to https://evil.example/")
    app.login = LOGIN.replace("code_challenge", "x")
    named("The console leads to the sign-in: the sign-in at https://login.microsoftonline.com/t/oauth2/v2.0/authorize")
    app.login, app.forged_state = LOGIN, 302
    named("a forged state was answered 302")
    app.forged_state = 400
    for kind, token in (("plain", "not-a-token"), ("jwt", "eyJhbGciOiJ")):
        app.scim = {kind: 401}
        named(f"a bearer token that is {token} was answered 401 by something else than the bridge")
    app.scim, app.believes_headers_at = {}, "/console/"
    named("/console/ answered 404 to a stranger and 200 to forged headers")
    app.believes_headers_at = "/%63onsole"
    named("/%63onsole answered 404 to a stranger and 200 to forged headers")


def test_a_dry_run_says_what_is_looked_at(app: App, tmp_path: Path) -> None:
    status, told = _verify(app, tmp_path, "--dry-run")
    assert (status, told.count("# Whether ")) == (0, 9), told
