"""The start of the app. It always succeeds: what stands in the way of its work is what its functions answer."""

import logging
import time
from collections.abc import Callable
from functools import cache
from threading import Lock

from azure.core.exceptions import AzureError
from flask import Flask

from shared.app.console import open_console
from shared.app.container import Bridge
from shared.logging import places
from shared.obstacle import Obstacle, of_defect, of_settings, of_storage
from shared.settings import Platform, Settings, SettingsWrong, read_settings
from shared.tables.errors import TablesBusy

REMEMBERED = 5.0
"""Seconds until a storage that refused is asked again: requests meanwhile are answered at once."""

PATIENCE = 60.0
"""Seconds that a message of a queue waits for the storage before it is put back."""

_log = logging.getLogger("bridge.startup")


class NotStarted(Exception):
    """The app cannot do its work now."""

    def __init__(self, obstacle: Obstacle) -> None:
        super().__init__(obstacle.summary)
        self.obstacle = obstacle


class Startup:
    """Puts the app's parts together when the first function needs them, and again until it succeeds.

    Threads may share it: one of them tries, and the others are told what came of it.
    """

    def __init__(
        self, settings: Callable[[], Settings] = read_settings, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """``settings``: raises SettingsWrong. ``clock``: in seconds."""
        self.wrong_settings: Obstacle | None = None
        """Read once: a process's environment stays as it is, and Azure starts a new one when a setting changes."""
        self._clock = clock
        self._lock = Lock()
        self._parts: tuple[Bridge, Flask] | None = None
        self._failed: tuple[float, Obstacle] | None = None
        try:
            self._settings = settings()
        except SettingsWrong as wrong:
            _log.error("%s", wrong)
            self.wrong_settings = of_settings(wrong.problems, Platform())

    def bridge(self) -> Bridge:
        """This process's bridge. Raises NotStarted."""
        return self._started()[0]

    def bridge_in_time(self, seconds: float = PATIENCE, sleep: Callable[[float], None] = time.sleep) -> Bridge:
        """The same, for what can wait: tried for so many seconds. Raises NotStarted."""
        gives_up = self._clock() + seconds
        while True:
            try:
                return self.bridge()
            except NotStarted:
                if self._clock() + REMEMBERED > gives_up:
                    raise
            sleep(REMEMBERED)

    def console(self) -> Flask:
        """This process's console. Raises NotStarted."""
        return self._started()[1]

    def heartbeat(self) -> bool:
        """Log one line that says how the app is, which an alert waits for, and return whether it works.

        Its first words are an interface: infra/bicep/queries read them.
        """
        try:
            beat = self.bridge().heartbeat()
        except NotStarted as reason:
            obstacle = reason.obstacle
        except TablesBusy as busy:
            obstacle = of_storage(str(busy))
        else:
            _log.info("heartbeat stores=%d interrupted=%d settings=ok", beat.stores, beat.interrupted)
            return True
        if obstacle.settings:
            _log.error("heartbeat settings=wrong names=%s", ",".join(obstacle.settings))
        else:
            _log.error("heartbeat settings=ok %s=failed reason=%s", obstacle.kind, "; ".join(obstacle.problems))
        return False

    def _started(self) -> tuple[Bridge, Flask]:
        if self._parts is None:
            with self._lock:
                if self._parts is None:
                    self._parts = self._start()
        return self._parts

    def _start(self) -> tuple[Bridge, Flask]:
        """With the lock held."""
        if self.wrong_settings is not None:
            raise NotStarted(self.wrong_settings)
        if self._failed is not None and self._clock() - self._failed[0] < REMEMBERED:
            raise NotStarted(self._failed[1])
        try:
            bridge = Bridge(self._settings)
            parts = bridge, open_console(bridge)
        except TablesBusy as busy:
            obstacle = of_storage(str(busy))
        except AzureError as error:
            obstacle = of_storage(f"Table Storage refuses ({type(error).__name__})")
        except Exception as error:  # a page and a SCIM error, never an empty 500 from the platform
            _log.error("defect error=%s at %s", type(error).__name__, places(error))
            obstacle = of_defect(type(error).__name__)
        else:
            return parts
        self._failed = self._clock(), obstacle
        raise NotStarted(obstacle)


@cache
def startup() -> Startup:
    """This process's."""
    return Startup()
