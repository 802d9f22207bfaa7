"""How Entra's provisioning service signs in to a store's sync endpoint, beside the secret token.

Microsoft asks for OAuth 2.0 client credentials (RFC 6749 §4.4) or workload identity federation, in which a token of
Entra's own takes the place of the client secret (RFC 7523 §2.2).
https://learn.microsoft.com/entra/identity/app-provisioning/app-gallery-user-provisioning-requirements
"""

import hashlib
import hmac
from typing import Annotated

from pydantic import ConfigDict, Field, StringConstraints

from shared.model import Model
from shared.rules.entra_connection import ObjectId
from shared.rules.secret_token import MOST_LIVE, token_hash, with_token

TOKEN_PATH = "/oauth/token"  # noqa: S105 - a path
"""The path of a store's token endpoint, below its sync endpoint."""

type Audience = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9+.-]*:[!-~]{1,200}$|^[!-~]{1,200}$", strip_whitespace=True)
]


class OAuthClient(Model):
    """The client that a store knows: Entra, with a client secret. Two secrets may be valid while Entra is given one."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    client_id: str
    secret_hashes: tuple[str, ...] = Field(default=(), max_length=MOST_LIVE)

    def with_secret(self, secret: str) -> "OAuthClient":
        """Return the client with a new secret; of the earlier ones only the newest stays valid."""
        return self.model_copy(update={"secret_hashes": with_token(self.secret_hashes, secret)})

    def credential_of(self, client_id: str, secret: str) -> str | None:
        """Return the name of the credential that was presented; None if it is none of this client's."""
        presented = token_hash(secret)
        matches = [kept for kept in self.secret_hashes if hmac.compare_digest(presented, kept)]  # all are compared
        is_client = hmac.compare_digest(client_id.encode(), self.client_id.encode())
        return _named(matches[0]) if is_client and matches else None

    @property
    def credentials(self) -> frozenset[str]:
        """The names of the credentials that are valid now."""
        return frozenset(map(_named, self.secret_hashes))


class Federation(Model):
    """The identity of Entra whose tokens a store accepts in the place of a client secret."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tenant_id: ObjectId = Field(description="The tenant that issues the tokens")
    subject: ObjectId = Field(description="The object id of the identity, the claim sub")
    audience: Audience = Field(description="What the tokens are issued for, the claim aud: api:// and an id")

    @property
    def credential(self) -> str:
        """The name of the credential: another one once anything of this is changed."""
        return _named(hashlib.sha256(self.model_dump_json().encode()).hexdigest())


def _named(digest: str) -> str:
    """A name that is in a token says nothing of the credential itself."""
    return hashlib.sha256(f"credential {digest}".encode()).hexdigest()[:16]
