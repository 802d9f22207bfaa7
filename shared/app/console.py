"""The console, put together from the parts of the app."""

import hashlib
from datetime import UTC, datetime

from flask import Flask

from shared.admin.graph_check import GraphCheck
from shared.admin.person_actions import PersonActions
from shared.admin.readiness import GRAPH, ZOHO_ONE, Readiness
from shared.admin.store_removal import StoreRemoval
from shared.admin.store_settings import StoreSettings
from shared.app.container import Bridge
from shared.console.app import create_app
from shared.console.parts import ConsoleParts
from shared.tables.liveness import queue_answers, tables_answer
from shared.tables.partitions import Partitions

OF_ONE_STORE = ("identities", "mappings", "runs", "heldplans", "entra", "errands", "secrets", "leases")
"""Tables with rows of a store: in all but the last it has a partition of its own."""


def open_console(bridge: Bridge) -> Flask:
    """The Flask application."""
    reconciler = bridge.reconciler
    graph_check = GraphCheck(bridge.secrets, bridge.entra_session)
    return create_app(
        ConsoleParts(
            sign_in=bridge.sign_in,
            stores=bridge.stores,
            settings=StoreSettings(bridge.stores, bridge.secrets, _now),
            connections=bridge.connections,
            disconnect=bridge.disconnect,
            switch=bridge.switch,
            removal=StoreRemoval(
                bridge.stores,
                bridge.disconnect,
                Partitions([bridge.table(name) for name in OF_ONE_STORE]),
                _now,
            ),
            readiness=Readiness({ZOHO_ONE: bridge.switch.check.quick, GRAPH: graph_check.quick}, _now),
            graph_check=graph_check,
            mappings=bridge.mappings,
            mapping_preview=bridge.mapping_preview,
            identities=bridge.identities,
            groups=bridge.groups.groups,
            ignored=bridge.ignored,
            group_guard=bridge.groups.guard,
            people=PersonActions(bridge.identities, bridge.leavings, bridge.users, _now),
            mails=bridge.mails,
            password_mails=bridge.password_mails,
            runs=reconciler.runs,
            held_plans=reconciler.held_plans,
            errands=reconciler.errands,
            job_runner=reconciler.job_runner,
            decisions=reconciler.decisions,
            leavings=bridge.leavings,
            cycles=reconciler.cycles,
            answers=lambda: {
                "Table Storage": tables_answer(bridge.stores),
                "Queue Storage": queue_answers(bridge.account),
            },
            now=_now,
            public_url=bridge.public_url,
            secret=hashlib.sha256(b"forms" + bridge.keys.encode()).digest(),
        )
    )


def _now() -> datetime:
    return datetime.now(UTC)
