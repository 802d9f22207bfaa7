"""The tokens that Entra's provisioning service sends where the portal's Secret Token is left blank.

https://learn.microsoft.com/entra/identity/app-provisioning/use-scim-to-provision-users-and-groups, "Authorization to
provisioning connectors in the application gallery" and the sample's token validation.
"""

import jwt

from shared.entra.signing_keys import SigningKeys

LOGIN = "https://login.microsoftonline.com"
PROVISIONING_SERVICE = "8adf8e6e-67b2-4cf2-a259-e3dc5476c621"
"""The audience, the same for every SCIM application in every tenant."""
ALGORITHM = "RS256"
LEEWAY = 60
"""Seconds by which the two clocks may differ."""


class IssuedTokens:
    """Checks tokens that Entra issued for its provisioning service in one tenant. Threads may share it."""

    def __init__(self, keys: SigningKeys, login: str = LOGIN) -> None:
        self._keys = keys
        self._login = login

    def accepts(self, tenant: str, token: str) -> bool:
        """Whether the token is valid and this tenant's. Raises GraphBusy where Entra's keys are out of reach.

        Entra is asked for keys only if everything that needs none is in order.
        """
        issuer = f"https://sts.windows.net/{tenant}/"
        try:
            header = jwt.get_unverified_header(token)
            said = jwt.decode(token, options={"verify_signature": False})
            if (header.get("alg"), said.get("iss"), said.get("aud")) != (ALGORITHM, issuer, PROVISIONING_SERVICE):
                return False
            key = self._keys.find(f"{self._login}/{tenant}/discovery/keys", str(header.get("kid")))
            if key is None:
                return False
            jwt.decode(
                token,
                key,
                algorithms=[ALGORITHM],
                audience=PROVISIONING_SERVICE,
                issuer=issuer,
                leeway=LEEWAY,
                options={"require": ["exp", "iss", "aud"]},
            )
        except jwt.InvalidTokenError:
            return False
        return True
