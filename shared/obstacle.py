"""An obstacle that keeps the app from working, as pages, SCIM answers and the heartbeat report it, without any
value.
"""

from dataclasses import dataclass
from enum import StrEnum

from shared.settings import Platform, SettingProblem

SETTINGS_RETRY = 600
"""Seconds: an administrator has to act, so frequent retries are pointless."""
STORAGE_RETRY = 30
"""Seconds."""


class Kind(StrEnum):
    """The kind of obstacle."""

    SETTINGS = "settings"
    STORAGE = "storage"
    DEFECT = "defect"


@dataclass(frozen=True)
class Obstacle:
    """Why no function can work, and what to do."""

    kind: Kind
    title: str
    problems: tuple[str, ...]
    """One sentence each."""
    cure: str
    retry_after: int
    """Seconds after which the same request may succeed."""
    settings: tuple[str, ...] = ()
    """Names of the missing or wrong app settings."""

    @property
    def summary(self) -> str:
        """Everything in one paragraph."""
        return " ".join(f"{part.rstrip('.')}." for part in (self.title, *self.problems, self.cure))


def of_settings(problems: tuple[SettingProblem, ...], platform: Platform) -> Obstacle:
    """Return the obstacle of missing or wrong app settings."""
    return Obstacle(
        Kind.SETTINGS,
        "The bridge cannot work with its app settings",
        tuple(problem.text for problem in problems),
        f"{_where(platform)} docs/settings.md says what each setting is for. Nothing was changed, and nothing is lost",
        SETTINGS_RETRY,
        tuple(problem.name for problem in problems),
    )


def of_storage(reason: str) -> Obstacle:
    """Return the obstacle of a storage account that does not answer or denies access."""
    return Obstacle(
        Kind.STORAGE,
        "The bridge does not reach its storage",
        (reason,),
        "It tries again by itself, with each request. Nothing was changed, and nothing is lost",
        STORAGE_RETRY,
    )


def of_defect(name: str) -> Obstacle:
    """Return the obstacle of a defect that prevents the start. ``name``: the error's type."""
    return Obstacle(
        Kind.DEFECT,
        "The bridge cannot start",
        (f"It has a defect ({name}). The app's log has the place",),
        "Please report it with that line",
        STORAGE_RETRY,
    )


def _where(platform: Platform) -> str:
    if platform.is_azure:
        named = f" {platform.site_name}" if platform.site_name else ""
        return (
            f"Set them in the Azure portal: Function App{named}, Settings, Environment variables, App settings, Apply; "
            "the app then starts again by itself. Change a setting of the template in infra/bicep as well, "
            "or the next deployment reverts the change."
        )
    return (
        "Set them in local.settings.json, which is beside host.json, or in the environment; then start the app again."
    )
