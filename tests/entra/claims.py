"""The claims of a token that Entra issues for its provisioning service."""

from datetime import UTC, datetime, timedelta
from typing import Any

from shared.entra.issued_tokens import PROVISIONING_SERVICE

TENANT = "11111111-2222-3333-4444-555555555555"


def claims_with(**changes: Any) -> dict[str, Any]:
    """Those of a valid token, but for what is given; None: without that claim."""
    now = datetime.now(UTC)
    standard = {
        "iss": f"https://sts.windows.net/{TENANT}/",
        "aud": PROVISIONING_SERVICE,
        "exp": now + timedelta(hours=1),
        "nbf": now - timedelta(minutes=1),
    }
    return {name: value for name, value in (standard | changes).items() if value is not None}
