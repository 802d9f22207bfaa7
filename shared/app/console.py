"""The console, put together from the parts of the app."""

from flask import Flask

from shared.admin.person_actions import PersonActions
from shared.admin.readiness import GRAPH, ZOHO_ONE, Readiness
from shared.admin.store_removal import StoreRemoval
from shared.admin.store_settings import StoreSettings
from shared.app.container import Bridge
from shared.console.app import create_app
from shared.console.parts import (
    AccountParts,
    ConsoleParts,
    GroupParts,
    HealthParts,
    JobParts,
    MappingParts,
    PeopleParts,
    RunParts,
    Site,
    StoreParts,
)
from shared.tables.liveness import queue_answers, tables_answer
from shared.tables.partitions import Partitions

OF_ONE_STORE = ("identities", "mappings", "runs", "heldplans", "entra", "errands", "accounts", "secrets", "leases")
"""Tables with rows of a store: in all but the last it has a partition of its own."""


def open_console(bridge: Bridge) -> Flask:
    """The Flask application."""
    now = bridge.outside.now
    return create_app(
        ConsoleParts(
            sign_in=bridge.sign_in,
            stores=_stores(bridge),
            people=PeopleParts(
                identities=bridge.identities,
                actions=PersonActions(bridge.identities, bridge.deprovisionings, bridge.users, now),
                ignored=bridge.ignored,
                mails=bridge.mails,
                password_mails=bridge.password_mails,
            ),
            accounts=AccountParts(bridge.unmanaged, bridge.proposals, bridge.account_choices),
            groups=GroupParts(bridge.groups, bridge.group_guard),
            mappings=MappingParts(bridge.mappings, bridge.mapping_preview),
            runs=RunParts(bridge.cycles, bridge.runs, bridge.held_plans, bridge.decisions, bridge.deprovisionings),
            jobs=JobParts(bridge.jobs, bridge.job_runner),
            health=HealthParts(
                readiness=Readiness({ZOHO_ONE: bridge.switch.check.quick, GRAPH: bridge.graph_check.quick}, now),
                graph_check=bridge.graph_check,
                answers=lambda: {
                    "Table Storage": tables_answer(bridge.stores),
                    "Queue Storage": queue_answers(bridge.account),
                },
            ),
            site=Site(now, bridge.public_url, bridge.secret("forms"), bridge.cloud, bridge.hosts),
        )
    )


def _stores(bridge: Bridge) -> StoreParts:
    now, partitions = bridge.outside.now, Partitions([bridge.table(name) for name in OF_ONE_STORE])
    return StoreParts(
        table=bridge.stores,
        settings=StoreSettings(bridge.stores, bridge.secrets, now, bridge.local),
        switch=bridge.switch,
        removal=StoreRemoval(bridge.stores, bridge.disconnect, partitions, now),
        connections=bridge.connections,
        consent=bridge.consent,
        disconnect=bridge.disconnect,
        scim_tokens=bridge.scim_tokens,
        probe=bridge.zoho_probe,
    )
