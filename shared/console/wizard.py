"""Add Directory: the steps in the order of Zoho One's guide, each a page of the store."""

from dataclasses import dataclass


@dataclass(frozen=True)
class WizardStep:
    """One step of the set-up."""

    name: str
    endpoint: str


STEPS = (
    WizardStep("Name and data center", "stores.name"),
    WizardStep("API Integration", "connection.api_integration"),
    WizardStep("Attribute Mapping", "mapping.table"),
    WizardStep("Settings", "settings.notification"),
    WizardStep("Status Sync", "status_sync.page"),
    WizardStep("Review", "stores.review"),
)


def after(endpoint: str) -> str:
    """The endpoint of the next step; for the last step, its own."""
    names = [step.endpoint for step in STEPS]
    return names[min(names.index(endpoint) + 1, len(names) - 1)]
