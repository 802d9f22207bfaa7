"""Timer triggers: functions run when their NCRONTAB schedule says so, in UTC and never beside themselves.

Where NCRONTAB wants both a day of the month and a day of the week, cronsim takes either, as cron does. Missed times are
not caught up with. Source: https://learn.microsoft.com/azure/azure-functions/functions-bindings-timer.
"""

import asyncio
import json
import os
import re
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from cronsim import CronSim

from local.host.worker import Function, FunctionFailedError
from local.host.worker_messages import TypedData

type Run = Callable[[Function, TypedData], Awaitable[object]]


def tick() -> TypedData:
    """What a timer function is given: the fields of .NET's TimerInfo."""
    return TypedData(json=json.dumps({"Schedule": {"AdjustForDST": True}, "ScheduleStatus": None, "IsPastDue": False}))


def keep_time(function: Function, run: Run) -> Coroutine[Any, Any, None]:
    """Run a timer function at each of its times, for ever. One that fails, which is logged, has its next time too.

    Raises, before anything runs, cronsim.CronSimError for a schedule that is none, and KeyError for a `%NAME%` in it
    that is no app setting.
    """
    schedule = re.sub(r"%(\w+)%", lambda setting: os.environ[setting[1]], function.trigger["schedule"])
    next(CronSim(schedule, datetime.now(UTC)))
    return _keep_time(function, run, schedule)


async def _keep_time(function: Function, run: Run, schedule: str) -> None:
    if function.trigger.get("runOnStartup"):
        with suppress(FunctionFailedError):
            await run(function, tick())
    due = datetime.now(UTC)
    while True:
        now = datetime.now(UTC)
        due = next(CronSim(schedule, max(now, due)))  # not from now alone: a sleep may end a little early
        await asyncio.sleep((due - now).total_seconds())
        with suppress(FunctionFailedError):
            await run(function, tick())
