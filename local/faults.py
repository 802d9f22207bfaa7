"""Faults of the simulators, and for how many calls they last."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue, TypeAdapter, model_validator


class Fault(BaseModel):
    """What happens to the next `times` calls of a kind.

    `drop` loses the connection: `before` the call is examined, or `after` it was carried out. `lie` answers 200 with an
    error, a proxy's sign-in page, or nothing at all, and a `status` is answered: either carries nothing out unless
    `carried_out` says so. `latency` alone delays it.
    """

    model_config = ConfigDict(extra="forbid")

    method: str | None = None
    """Any method by default."""
    path: str | None = None
    """A kind of path such as `/Users/{id}` or `/oauth/v2/token`, or the path of one user. Any by default."""
    status: Annotated[int, Field(ge=200, le=599)] | None = None
    body: JsonValue = None
    headers: dict[str, str] = {}
    latency: Annotated[float, Field(ge=0)] = 0
    """In seconds."""
    drop: Literal["before", "after"] | None = None
    lie: Literal["error", "page", "silence"] | None = None
    carried_out: bool = False
    times: Annotated[int, Field(ge=1)] = 1

    @model_validator(mode="after")
    def _does_something(self) -> Self:
        kinds = [self.status, self.drop, self.lie]
        if kinds.count(None) == len(kinds) and not self.latency:
            raise ValueError("a fault needs a status, a drop, a lie or a latency")
        if kinds.count(None) < len(kinds) - 1:
            raise ValueError("a fault is one of a status, a drop and a lie")
        return self

    def concerns(self, method: str, kind: str, path: str) -> bool:
        """Return whether a call is of the kind that this fault waits for."""
        return self.method in (None, method) and self.path in (None, kind, path)


FAULTS = TypeAdapter(list[Fault])


class Faults:
    """The faults that are due, in the order of their requests."""

    def __init__(self) -> None:
        self.waiting: list[Fault] = []

    def take(self, method: str, kind: str, path: str) -> Fault | None:
        """Return the first fault that concerns a call, which uses it up once."""
        for fault in self.waiting:
            if fault.concerns(method, kind, path):
                fault.times -= 1
                if not fault.times:
                    self.waiting.remove(fault)
                return fault
        return None
