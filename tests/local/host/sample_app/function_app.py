"""A function app that shows what the host hands to it."""

import asyncio
import json
import os
import threading
import time
from pathlib import Path
from typing import List  # noqa: UP035 - the worker refuses `list` in an annotation

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)

STORAGE = "SAMPLE_STORAGE"

both = threading.Barrier(2, timeout=5)


@app.route("echo/{store}/{*path}", methods=["GET", "PUT", "POST"])
def echo(req: func.HttpRequest) -> func.HttpResponse:
    """Everything of the request."""
    seen = {
        "method": req.method,
        "url": req.url,
        "headers": dict(req.headers),
        "params": dict(req.params),
        "route": dict(req.route_params),
        "body": req.get_body().hex(),
    }
    return func.HttpResponse(json.dumps(seen), mimetype="application/json")


@app.route("echo/{store}/known", methods=["GET"])
async def known(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    """A more specific route than echo's, and an async function that knows its invocation."""
    await asyncio.sleep(0)
    return func.HttpResponse(f"{req.route_params['store']} {bool(context.invocation_id)}")


@app.route("cookies")
def cookies(req: func.HttpRequest) -> func.HttpResponse:
    """Two cookies and a status of its own."""
    response = func.HttpResponse(status_code=418, headers={"X-Kind": "teapot"})
    response.headers.add("Set-Cookie", 'state="a b"; Max-Age=600; Path=/oauth; Secure; HttpOnly; SameSite=Lax')
    response.headers.add("Set-Cookie", "theme=dark")
    return response


@app.route("empty")
def empty(req: func.HttpRequest) -> func.HttpResponse:
    """No content at all."""
    return func.HttpResponse(status_code=204)


@app.route("plain")
def plain(req: func.HttpRequest) -> str:
    """No more than a text."""
    return "plain ✓"


@app.route("fails")
def fails(req: func.HttpRequest) -> func.HttpResponse:
    """A bug."""
    raise ZeroDivisionError


@app.route("together")
def together(req: func.HttpRequest) -> func.HttpResponse:
    """Answers only while a second request is under way."""
    both.wait()
    return func.HttpResponse()


@app.route("environment")
def environment(req: func.HttpRequest) -> func.HttpResponse:
    """The settings the app runs with."""
    return func.HttpResponse(json.dumps({name: os.environ.get(name) for name in req.params["names"].split()}))


@app.route("page")
def page(req: func.HttpRequest) -> func.HttpResponse:
    """An answer that says how long it is."""
    return func.HttpResponse("a page", headers={"Content-Length": "6"})


@app.route("slow")
def slow(req: func.HttpRequest) -> func.HttpResponse:
    """Takes as many seconds as it is told."""
    time.sleep(float(req.params["seconds"]))
    return func.HttpResponse("done")


@app.timer_trigger("timer", "%SAMPLE_SCHEDULE%")
def ticks(timer: func.TimerRequest) -> None:
    """Leaves a trace of each run."""
    _trace(f"tick {timer.past_due}")


@app.queue_trigger("message", "work", STORAGE)
@app.queue_output("done", "done", STORAGE)
def work(message: func.QueueMessage, done: func.Out[List[str]]) -> None:  # noqa: UP006 - see above
    """Takes a message, and fails as often as the message says."""
    task = json.loads(message.get_body())
    count = message.dequeue_count or 0
    _trace(f"work {task['name']} {count}")
    time.sleep(task.get("seconds", 0))
    if count <= task["fails"]:
        raise ZeroDivisionError
    done.set([f"{task['name']} ✓", "and more"])


@app.route("enqueue", methods=["POST"])
@app.queue_output("message", "work", STORAGE)
def enqueue(req: func.HttpRequest, message: func.Out[str]) -> func.HttpResponse:
    """Puts the body into the queue."""
    message.set(req.get_body().decode())
    return func.HttpResponse(status_code=202)


def _trace(line: str) -> None:
    with Path(os.environ["SAMPLE_TRACE"]).open("a") as trace:
        trace.write(f"{line}\n")
