"""The simulated Entra as a process: `python -m local.entra --port N [--people N]`.

It shows its users through Graph, see local/graph.py. Its provisioning service is local/provisioning_service.py, which
runs in whatever process wants to push; `graph_of` lets that process show the same directory through Graph too.
"""

import argparse
import asyncio
import contextlib
import threading
from collections.abc import Iterator

import uvicorn

from local.entra_directory import EntraDirectory
from local.graph import Graph
from local.people import PEOPLE, make_people
from local.serving import end_quietly_on_signals, listen, serve, url_of


def main() -> None:
    """Serve Graph until SIGTERM or Ctrl-C; one JSON line on standard output says where, once it answers."""
    parser = argparse.ArgumentParser(prog="python -m local.entra", description="A simulated Entra ID")
    parser.add_argument("--port", type=int, default=0, help="a free one unless given")
    parser.add_argument("--people", type=int, help="that many made-up people instead of the 25 realistic ones")
    arguments = parser.parse_args()
    people = PEOPLE if arguments.people is None else make_people(arguments.people)
    listener = listen(arguments.port)
    url = url_of(listener)
    end_quietly_on_signals()
    asyncio.run(serve(Graph(EntraDirectory(people)), listener, {"graph": f"{url}/v1.0", "url": url}))


@contextlib.contextmanager
def graph_of(directory: EntraDirectory) -> Iterator[str]:
    """Serve Graph over a directory of this process on a free port, and yield its address, without `/v1.0`."""
    listener = listen(0)
    server = uvicorn.Server(uvicorn.Config(Graph(directory), lifespan="off", log_config=None, access_log=False))
    thread = threading.Thread(target=server.run, args=([listener],), name="graph")
    thread.start()
    try:
        yield url_of(listener)
    finally:
        server.should_exit = True
        thread.join()


if __name__ == "__main__":
    main()
