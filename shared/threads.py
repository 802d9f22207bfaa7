"""Work on several items at the same time, in threads that count their outside calls where the work was begun."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

from shared.calls import in_context


def in_parallel[A, B](work: Callable[[A], B], items: Iterable[A], threads: int) -> list[B]:
    """The results in the order of the items. The first error is raised once all have ended."""
    with ThreadPoolExecutor(threads) as pool:
        futures = [pool.submit(in_context(lambda item=item: work(item))) for item in items]  # type: ignore[misc]  # a default binds it now
    return [future.result() for future in futures]
