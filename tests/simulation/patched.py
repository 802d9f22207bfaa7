"""The app's clock, chance and threads, taken from the simulated world.

Wherever a module of the app or of the local simulators names the standard library's, it gets the world's: found by what
a name stands for, not by where it is, so that the app needs no word of this and a new place needs none either. A
process that simulates does nothing else: nothing is put back.
"""

import concurrent.futures
import inspect
import random
import secrets
import sys
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, datetime, tzinfo
from types import FunctionType, ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

from tests.simulation import threads
from tests.simulation.schedule import START

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

APP = ("shared", "functions", "cli", "local")

CHANCE = random.Random(0)
"""Of the world there is; whoever begins a world seeds it."""


def _monotonic() -> float:
    return threads.schedule().monotonic()


def _time() -> float:
    return START.timestamp() + threads.schedule().seconds


def _sleep(seconds: float) -> None:
    threads.schedule().sleep(seconds)


def _token_hex(count: int = 32) -> str:
    return f"{CHANCE.getrandbits(count * 8):0{count * 2}x}"


def _uuid4() -> uuid.UUID:
    return uuid.UUID(int=CHANCE.getrandbits(128), version=4)


class _OfNow(type(datetime)):  # type: ignore[misc]  # datetime's metaclass is type
    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, datetime)


class Datetime(datetime, metaclass=_OfNow):
    """``datetime`` whose now is the world's; what it gives is a plain one."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Any:
        now = threads.schedule().now()
        return now if tz is UTC else now.astimezone(tz) if tz else now.replace(tzinfo=None)


def _like(module: ModuleType, **others: Any) -> Any:
    """A module with some of its names replaced."""
    return SimpleNamespace(**{name: getattr(module, name) for name in dir(module) if name[:2] != "__"} | others)


def _chance(name: str) -> Callable[..., Any]:
    return lambda *args, **kwargs: getattr(CHANCE, name)(*args, **kwargs)


class _SystemRandom(random.Random):
    """Chance that nobody can guess, here the world's."""

    def random(self) -> float:
        return CHANCE.random()

    def getrandbits(self, k: int, /) -> int:
        return CHANCE.getrandbits(k)

    def seed(self, *_: Any) -> None:
        """It has none."""


_THREADS = {
    "Lock": threads.Lock,
    "RLock": threads.RLock,
    "Condition": threads.Condition,
    "Event": threads.Event,
    "Thread": threads.Thread,
}
_TIME = {"time": _time, "monotonic": _monotonic, "perf_counter": _monotonic, "sleep": _sleep}
_SECRETS: dict[str, Any] = {"token_hex": _token_hex, "token_urlsafe": _token_hex, "choice": _chance("choice")}
_SECRETS |= {"SystemRandom": _SystemRandom, "randbelow": _chance("randrange")}
_RANDOM: dict[str, Any] = {
    name: _chance(name) for name in ("random", "uniform", "choice", "randint", "randrange", "shuffle")
}
_RANDOM |= {"SystemRandom": _SystemRandom}

_REPLACED: list[tuple[object, object]] = [
    (time, _like(time, **_TIME)),
    (secrets, _like(secrets, **_SECRETS)),
    (random, _like(random, **_RANDOM)),
    (uuid, _like(uuid, uuid4=_uuid4)),
    (threading, _like(threading, **_THREADS)),
    (concurrent.futures.ThreadPoolExecutor, threads.Pool),
    (concurrent.futures.wait, threads.wait_for_futures),
    (uuid.uuid4, _uuid4),
    *((getattr(time, name), new) for name, new in _TIME.items()),
    *((getattr(secrets, name), new) for name, new in _SECRETS.items()),
    *((getattr(random, name), new) for name, new in _RANDOM.items()),
    *((getattr(threading, name), new) for name, new in _THREADS.items()),
]
_BY_ID = {id(old): new for old, new in _REPLACED}
_BUNDLES: list[tuple[object, object]] = []
"""The app's objects that hold such things, as a parameter's default may, and what stands in their place."""


def _new(value: object) -> object:
    """What stands in a value's place; the value itself where nothing does."""
    if type(value) is random.SystemRandom:
        return _SystemRandom()
    if is_dataclass(value) and type(value).__module__.partition(".")[0] in APP and not isinstance(value, type):
        return _bundle(value)
    return _BY_ID.get(id(value), value)


def _bundle[T: "DataclassInstance"](value: T) -> T:
    """An object of the app's with its fields replaced; itself where none is."""
    known = next((new for old, new in _BUNDLES if old is value), None)
    if known is not None:
        return cast("T", known)
    read = {each.name: getattr(value, each.name) for each in fields(value) if each.init and hasattr(value, each.name)}
    changed = {name: new for name, old in read.items() if (new := _new(old)) is not old}
    if not changed:
        return value
    _BUNDLES.append((value, made := replace(value, **changed)))
    return made


def install() -> None:
    """Replace whatever the modules that are imported by now name. More may be imported later: call it again then."""
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] in APP:
            _replace_in(module)


def _replace_in(module: ModuleType) -> None:
    for name, value in list(vars(module).items()):
        if name == "datetime" and value is datetime and "datetime.now(" in inspect.getsource(module):
            setattr(module, name, Datetime)
        elif (new := _new(value)) is not value:
            setattr(module, name, new)
        elif isinstance(value, FunctionType):
            _replace_defaults(value)
        elif isinstance(value, type) and value.__module__ == module.__name__:
            _replace_in_class(value)


def _replace_in_class(kind: type) -> None:
    for name, value in list(vars(kind).items()):
        function = value.__func__ if isinstance(value, (classmethod, staticmethod)) else value
        if isinstance(function, FunctionType):
            _replace_defaults(function)
        elif (new := _new(value)) is not value and name[:2] != "__":
            setattr(kind, name, new)


def _replace_defaults(function: FunctionType) -> None:
    if function.__defaults__:
        function.__defaults__ = tuple(map(_new, function.__defaults__))
    if function.__kwdefaults__:
        function.__kwdefaults__ = {name: _new(value) for name, value in function.__kwdefaults__.items()}
