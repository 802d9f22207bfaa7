"""The simulated Entra as a process: `python -m local.entra --port N [--people N] [--latency-ms MS]`.

It shows its users through Graph (graph.py) and signs apps in, on http and, as MSAL insists on it, on https with a
certificate made at its start. Its provisioning service (provisioning_service.py) runs in any process that wants to
push; `entra_of` lets that process show the same directory through Graph too.
"""

import argparse
import asyncio
import contextlib
import socket
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import uvicorn

from local.entra.certificate import write_certificate
from local.entra.directory import EntraDirectory
from local.entra.graph import Graph
from local.entra.graph_assignments import ENTERPRISE_APP
from local.entra.graph_login import IDENTITY_HEADER, IDENTITY_PATH
from local.entra.graph_sign_in import IDENTITY_CLIENT_ID, SIGN_IN_CLIENT_ID
from local.entra.people import PEOPLE, make_people
from local.serving import DroppableProtocol, end_quietly_on_signals, listen, serve, url_of

TENANT = "7e1f0c52-3b7a-4d0e-9f65-1c2d3e4f5a6b"
CLIENT_ID = "2b6d9c1e-8f40-4a57-b3d2-0e9f8a7b6c5d"
CLIENT_SECRET = "made-up-client-secret"


def main() -> None:
    """Serve Graph until SIGTERM or Ctrl-C; one JSON line on standard output says where, once it answers."""
    parser = argparse.ArgumentParser(prog="python -m local.entra", description="A simulated Entra ID")
    parser.add_argument("--port", type=int, default=0, help="by default a free one")
    parser.add_argument("--people", type=int, help="that many made-up people instead of the 25 realistic ones")
    parser.add_argument("--latency-ms", type=float, default=0, help="minimum duration of each call")
    arguments = parser.parse_args()
    people = PEOPLE if arguments.people is None else make_people(arguments.people)
    graph = Graph(EntraDirectory(people))
    graph.settings.latency = arguments.latency_ms / 1000
    listener = listen(arguments.port)
    url = url_of(listener)
    end_quietly_on_signals()
    graph.sign_in.browser_base = url
    with tempfile.TemporaryDirectory(prefix="entra-") as folder, login_of(graph, Path(folder)) as (login, certificate):
        asyncio.run(serve(graph, listener, described(url, login, certificate)))


def described(url: str, login: str, certificate: Path | None = None) -> dict[str, str]:
    """Return what is needed to connect a store to it. No certificate: it is called in process."""
    return {
        "graph": f"{url}/v1.0",
        "url": url,
        "login": login,
        "certificate": str(certificate or ""),
        "tenant_id": TENANT,
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "enterprise_app": ENTERPRISE_APP,
        "identity_endpoint": f"{url}{IDENTITY_PATH}",
        "identity_header": IDENTITY_HEADER,
        "sign_in_client_id": SIGN_IN_CLIENT_ID,
        "sign_in_identity": IDENTITY_CLIENT_ID,
    }


@contextlib.contextmanager
def entra_of(directory: EntraDirectory) -> Iterator[dict[str, str]]:
    """Serve Graph and the sign-in over a directory of this process, and yield its description."""
    graph = Graph(directory)
    with (
        tempfile.TemporaryDirectory(prefix="entra-") as folder,
        _graph_on_http(graph) as url,
        login_of(graph, Path(folder)) as (login, certificate),
    ):
        graph.sign_in.browser_base = url
        yield described(url, login, certificate)


@contextlib.contextmanager
def graph_of(directory: EntraDirectory) -> Iterator[str]:
    """Serve Graph over a directory of this process on a free port, and yield its address, without `/v1.0`."""
    with _graph_on_http(Graph(directory)) as url:
        yield url


@contextlib.contextmanager
def _graph_on_http(graph: Graph) -> Iterator[str]:
    listener = listen(0)
    config = uvicorn.Config(graph, http=DroppableProtocol, lifespan="off", log_config=None, access_log=False)
    with _in_a_thread(uvicorn.Server(config), listener):
        yield url_of(listener)


@contextlib.contextmanager
def login_of(graph: Graph, folder: Path) -> Iterator[tuple[str, Path]]:
    """Serve it on https too; yield that address, and the file with the certificate to trust."""
    certificate, key = write_certificate(folder)
    listener = listen(0)
    config = uvicorn.Config(
        graph, lifespan="off", log_config=None, access_log=False, ssl_certfile=certificate, ssl_keyfile=key
    )
    with _in_a_thread(uvicorn.Server(config), listener):
        yield url_of(listener).replace("http:", "https:"), certificate


@contextlib.contextmanager
def _in_a_thread(server: uvicorn.Server, listener: socket.socket) -> Iterator[None]:
    thread = threading.Thread(target=server.run, args=([listener],), name="graph")
    thread.start()
    try:
        yield
    finally:
        server.should_exit = True
        thread.join()
