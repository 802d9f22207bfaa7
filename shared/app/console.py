"""The console, put together from the parts of the app."""

from flask import Flask

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
    now, partitions = bridge.outside.now, Partitions([bridge.table(name) for name in OF_ONE_STORE])
    return create_app(
        ConsoleParts(
            sign_in=bridge.sign_in,
            stores=bridge.stores,
            settings=StoreSettings(bridge.stores, bridge.secrets, now),
            connections=bridge.connections,
            consent=bridge.consent,
            disconnect=bridge.disconnect,
            switch=bridge.switch,
            removal=StoreRemoval(bridge.stores, bridge.disconnect, partitions, now),
            readiness=Readiness({ZOHO_ONE: bridge.switch.check.quick, GRAPH: bridge.graph_check.quick}, now),
            graph_check=bridge.graph_check,
            mappings=bridge.mappings,
            mapping_preview=bridge.mapping_preview,
            identities=bridge.identities,
            groups=bridge.groups,
            ignored=bridge.ignored,
            group_guard=bridge.group_guard,
            people=PersonActions(bridge.identities, bridge.deprovisionings, bridge.users, now),
            mails=bridge.mails,
            password_mails=bridge.password_mails,
            runs=bridge.runs,
            held_plans=bridge.held_plans,
            errands=bridge.jobs,
            job_runner=bridge.job_runner,
            decisions=bridge.decisions,
            leavings=bridge.deprovisionings,
            cycles=bridge.cycles,
            answers=lambda: {
                "Table Storage": tables_answer(bridge.stores),
                "Queue Storage": queue_answers(bridge.account),
            },
            now=now,
            public_url=bridge.public_url,
            secret=bridge.secret("forms"),
        )
    )
