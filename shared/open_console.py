"""The console, put together from the parts of the app."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cache

from flask import Flask

from shared.bridge import Bridge, bridge
from shared.console.app import create_app
from shared.console.parts import ConsoleParts, ListedGroup, NextPlan
from shared.directory.held_plan import HeldState, Move
from shared.directory.run import Run, RunKind
from shared.directory.schedule import CycleTimes
from shared.directory.store import Store
from shared.entra.errors import GraphRefused
from shared.entra.session import new_session
from shared.provisioning.graph_check import GraphCheck
from shared.provisioning.people_care import PeopleCare
from shared.provisioning.store_removal import StoreRemoval
from shared.provisioning.store_settings import StoreSettings
from shared.tables.errors import TablesBusy
from shared.tables.held_plans import HeldPlans, StoredPlan
from shared.tables.partitions import Partitions
from shared.tables.runs import Runs


class _Cycles:
    """What the reconciler does for the pages."""

    def __init__(self, held_plans: HeldPlans) -> None:
        self._held_plans = held_plans

    def plan_now(self, store: Store) -> NextPlan:
        raise GraphRefused("Not yet")

    def request(self, store: Store, kind: RunKind, asked_by: str) -> None:
        raise NotImplementedError

    def provision(self, store: Store, identities: Sequence[str], asked_by: str) -> Run:
        raise GraphRefused("Not yet")

    def approve(self, store: Store, plan: StoredPlan, by: str) -> None:
        self._held_plans.move(plan, Move(state=HeldState.APPROVED, by=by, at=_now(), why="Looked at and approved."))

    def discard(self, store: Store, plan: StoredPlan, by: str) -> None:
        self._held_plans.move(plan, Move(state=HeldState.DISCARDED, by=by, at=_now(), why="Looked at and discarded."))


def open_console(bridge: Bridge) -> Flask:
    """The Flask application."""
    held_plans = HeldPlans(bridge.table("heldplans"))

    def answers() -> Mapping[str, str | None]:
        try:
            bridge.stores.read("health")
        except TablesBusy as busy:
            return {"tables": str(busy)}
        return {"tables": None}

    def groups_of(store_id: str, count: int) -> Sequence[ListedGroup]:
        return ()

    def groups_with(store_id: str, identity_id: str) -> Sequence[ListedGroup]:
        return ()

    return create_app(
        ConsoleParts(
            platform=bridge.platform,
            stores=bridge.stores,
            settings=StoreSettings(bridge.stores, bridge.secrets, _now),
            secrets=bridge.secrets,
            connections=bridge.connections,
            disconnect=bridge.disconnect,
            data_centers=bridge.data_centers,
            switch=bridge.switch,
            removal=StoreRemoval(
                bridge.stores,
                bridge.disconnect,
                Partitions([bridge.table(name) for name in ("identities", "mappings", "runs", "heldplans", "secrets")]),
                _now,
            ),
            graph_check=GraphCheck(bridge.secrets, new_session()),
            mappings=bridge.mappings,
            mapping_preview=bridge.mapping_preview,
            identities=bridge.identities,
            groups_of=groups_of,
            groups_with=groups_with,
            people=PeopleCare(bridge.identities, bridge.users, _now),
            mails=bridge.mails,
            password_mails=bridge.password_mails,
            users=bridge.users,
            runs=Runs(bridge.table("runs")),
            held_plans=held_plans,
            cycles=_Cycles(held_plans),
            cycle_times=lambda store_id: CycleTimes(),
            answers=answers,
            now=_now,
            public_url=bridge.public_url,
            secret=hashlib.sha256(b"forms" + bridge.keys.encode()).digest(),
        )
    )


def _now() -> datetime:
    return datetime.now(UTC)


@cache
def console() -> Flask:
    """This process's console. Raises pydantic.ValidationError where a setting is missing."""
    return open_console(bridge())
