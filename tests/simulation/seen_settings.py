"""A store's settings as an observer reads them from its rows."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from shared.rules.mapping.mapping import DEFAULT_MAPPING
from shared.tables.entity_text import gather
from tests.simulation.observed import Condition, Constant, Direct, Join, Leaving, Limits, Rule, Settings, Source

if TYPE_CHECKING:
    from tests.simulation.world import Plan

_LEAVING: Mapping[str, Leaving] = {"Deactivate": "deactivate", "Delete": "delete"}


def settings_of(store: Mapping[str, Any], mapping: Mapping[str, Any] | None, plan: "Plan", now: datetime) -> Settings:
    """The settings in a store's row and in the row of its mapping."""
    told = json.loads(gather(store, "store"))
    rules = json.loads(gather(mapping, "version"))["mapping"]["rules"] if mapping else _DEFAULT
    status, guard, schedule = told.get("status_rules", {}), told.get("guard", {}), told.get("schedule", {})
    groups = told.get("groups", {})
    paused = schedule.get("paused_until")
    started = schedule.get("started_at") is not None and not (paused and datetime.fromisoformat(paused) > now)
    feeds = ({"push"} if plan.push else set()) | ({"graph"} if told.get("entra") else set())
    return Settings(
        rules=tuple(_rule(rule) for rule in rules),
        feeds=frozenset(feeds),  # type: ignore[arg-type]  # of the two words
        scope="all" if (told.get("entra") or {}).get("scope") == "all users" else "assigned",
        started=started,
        **_criteria(told.get("criteria")),
        on_deactivated=_leaving(status, "deactivated"),
        on_unassigned=_leaving(status, "unassigned"),
        on_deleted=_leaving(status, "deleted"),
        follows_activation=status.get("activated", "Change in Zoho One") != "Do nothing",
        restore_by_hand=bool(status.get("restore_by_hand")),
        drift=told.get("drift", "repair"),
        limits=_limits(guard),
        group_deleted="delete" if groups.get("deleted") == "Change in Zoho One" else "nothing",
        exact_members=bool(groups.get("exact_members")),
        group_prefix=groups.get("name_prefix", ""),
    )


def _leaving(status: Mapping[str, Any], way: str) -> Leaving:
    if status.get(way, "Change in Zoho One") == "Do nothing":
        return "nothing"
    return _LEAVING[status.get(f"on_{way}", "Deactivate")]


def _criteria(told: Mapping[str, Any] | None) -> dict[str, Any]:
    """Of one group of conditions, without others in it: histories have no more."""
    found = [Condition(each["attribute"], each["operator"], *each["values"]) for each in (told or {}).get("of", ())]
    return {"criteria": tuple(found), "match": told["match"]} if told else {}


def _limits(guard: Mapping[str, Any]) -> Limits:
    leavings, share = guard.get("leavings"), guard.get("leavings_share", {})
    found = Limits()
    if leavings:
        values = {
            "leavings_count": leavings["count"],
            "leavings_percent": leavings["percent"],
            "share_percent": share["percent"] if share else None,
            "share_of_at_least": share["of_at_least"] if share else 3,
            "leavings_most": guard.get("leavings_most"),
        }
        found = Limits(**values)
    return found


def _rule(rule: Mapping[str, Any]) -> Rule:
    once = rule.get("apply", "always") != "always"
    return Rule(rule["target"], _source(rule["source"]), rule.get("default"), once)


def _source(source: Mapping[str, Any]) -> Source:
    match source["kind"]:
        case "hard-coded value":
            return Constant(source["value"])
        case "profile field":
            return Direct(source["field"])
        case "custom attribute":
            return Direct(source["name"])
    parts = source["expression"].removeprefix("Join(").removesuffix(")").split(", ")
    assert source["expression"].startswith("Join("), source  # the only function that mappings of histories use
    return Join(json.loads(parts[0]), tuple(part.strip("[]") for part in parts[1:]))


_DEFAULT = json.loads(DEFAULT_MAPPING.model_dump_json())["rules"]
