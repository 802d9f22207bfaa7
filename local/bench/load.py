"""The load generator: `python -m local.bench.load FILE`, in a process of its own, prints its result as one line of
JSON.

A client must cost far less than the system it measures, so it writes requests that are bytes already and reads only the
status and length of an answer. It imports little for the same reason.
"""

import asyncio
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from itertools import cycle
from pathlib import Path


@dataclass(frozen=True)
class Request:
    """One request."""

    method: str
    path: str
    body: str = ""


@dataclass(frozen=True)
class Plan:
    """What to send. The connections take turns with the requests, and start over after the last."""

    host: str
    port: int
    token: str
    connections: int
    warm_up: float
    seconds: float
    status: int
    requests: list[Request]
    repeat: bool = True


@dataclass
class Result:
    """The result. Only answers after the warm-up are timed; the processor time covers all."""

    sent: int = 0
    refused: int = 0
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    milliseconds: list[float] = field(default_factory=list)


async def generate(plan: Plan) -> Result:
    """Send a plan's requests."""
    result, cpu = Result(), time.process_time()
    encoded = [_encoded(plan, request) for request in plan.requests]
    supply = cycle(encoded) if plan.repeat else iter(encoded)
    begin = time.perf_counter() + plan.warm_up
    await asyncio.gather(*(_send(plan, supply, begin, result) for _ in range(plan.connections)))
    result.seconds = max(min(time.perf_counter() - begin, plan.seconds), 0.0)  # less if the requests ran out
    result.cpu_seconds = time.process_time() - cpu
    return result


async def _send(plan: Plan, supply: Iterator[bytes], begin: float, result: Result) -> None:
    """Send one request after another on one connection that is kept alive."""
    reader, writer = await asyncio.open_connection(plan.host, plan.port)
    end = begin + plan.seconds
    while (started := time.perf_counter()) < end and (request := next(supply, None)) is not None:
        writer.write(request)
        status = await _read_answer(reader)
        finished = time.perf_counter()
        result.sent += 1
        result.refused += status != plan.status
        if begin < finished < end:
            result.milliseconds.append((finished - started) * 1000)
    writer.close()


async def _read_answer(reader: asyncio.StreamReader) -> int:
    """Read a whole answer, which has a Content-Length, and return its status."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    await reader.readexactly(int(head.partition(b"content-length:")[2].partition(b"\r\n")[0]))
    return int(head.split(b" ", 2)[1])


def _encoded(plan: Plan, request: Request) -> bytes:
    body = request.body.encode()
    head = (
        f"{request.method} {request.path} HTTP/1.1\r\nHost: {plan.host}:{plan.port}\r\n"
        f"Authorization: Bearer {plan.token}\r\nAccept: application/scim+json\r\n"
        f"Content-Type: application/scim+json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def write_plan(plan: Plan, file: Path) -> None:
    """Store a plan for the process."""
    file.write_text(json.dumps(asdict(plan)))


def main() -> None:
    """Carry out the plan in the file named first."""
    read = json.loads(Path(sys.argv[1]).read_text())
    plan = Plan(**{**read, "requests": [Request(**request) for request in read["requests"]]})
    print(json.dumps(asdict(asyncio.run(generate(plan)))), flush=True)


if __name__ == "__main__":
    main()
