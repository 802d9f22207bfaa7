"""Sign-in at the simulated Entra on one machine: what the app and Entra have to know of each other.

The app proves who it is as in Azure, with the token of a managed identity; the simulated Entra plays that part, too.
"""

from collections.abc import Mapping, Sequence

import requests

from local.entra.person import Person
from shared.console.sign_in import CALLBACK

ROLES: tuple[list[str], ...] = (["Organization.Owner"], ["Organization.Admin"], [])
"""Of the first people there are; the third is assigned without a role, and all others are not assigned."""


def sign_in_settings(entra: Mapping[str, str]) -> dict[str, str]:
    """The settings of the function host, from what Entra says of itself."""
    return {
        "BRIDGE_SIGN_IN_TENANT_ID": entra["tenant_id"],
        "BRIDGE_SIGN_IN_CLIENT_ID": entra["sign_in_client_id"],
        "BRIDGE_SIGN_IN_ENTERPRISE_APP_ID": entra["enterprise_app"],
        "BRIDGE_SIGN_IN_IDENTITY_CLIENT_ID": entra["sign_in_identity"],
        "BRIDGE_SIGN_IN_AUTHORITY": entra["login"],
        "BRIDGE_ENTRA_CERTIFICATE": entra["certificate"],
        "IDENTITY_ENDPOINT": entra["identity_endpoint"],
        "IDENTITY_HEADER": entra["identity_header"],
    }


def register(entra: Mapping[str, str], people: Sequence[Person], *hosts: str) -> None:
    """Tell Entra where the app is, and who may sign in to it. Raises requests' exceptions."""
    settings = {
        "tenant": entra["tenant_id"],
        "redirect_uris": [host + CALLBACK for host in hosts],
        "app_roles": {person.id: roles for person, roles in zip(people, ROLES, strict=False)},
    }
    requests.patch(f"{entra['url']}/_settings", json=settings, timeout=10).raise_for_status()
