"""What somebody without any secret can have the app do."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Event
from typing import Any

from shared.console.context import EXTENSION
from shared.rules.store import Store
from tests.console.conftest import Pages


class _Slow:
    """Zoho One does not answer until it is let."""

    def __init__(self) -> None:
        self.waiting, self.let = 0, Event()

    def of(self, stores: Iterable[Store], seconds: float) -> dict[str, Any]:
        if seconds:
            self.waiting += 1
            self.let.wait(10)
        return {}


def test_two_at_most_wait_for_zoho_one_and_the_others_are_answered(pages: Pages, store: Store) -> None:
    slow, parts = _Slow(), pages.parts
    pages.app.extensions[EXTENSION] = replace(parts, health=replace(parts.health, readiness=slow))  # type: ignore[arg-type]  # of is all that is called
    with ThreadPoolExecutor(12) as pool:
        asked = [pool.submit(lambda: pages.app.test_client().get("/health?ready").status_code) for _ in range(12)]
        answered = [future for future in asked if _in_time(future)]
        assert (len(answered), slow.waiting) == (10, 2)
        slow.let.set()
        assert {future.result(10) for future in asked} == {200}
    pages.app.test_client().get("/health?ready")
    assert slow.waiting == 3, "whoever waited has made room"


def _in_time(future: Any) -> bool:
    try:
        future.result(2)
    except TimeoutError:
        return False
    return True
