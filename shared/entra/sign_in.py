"""Entra's side of an administrator's sign-in: OpenID Connect's authorization code flow, by MSAL.

MSAL makes PKCE, state and nonce and compares what comes back with them. Since 1.38 it looks at nothing else of the ID
token, so signature, issuer, audience, times and tenant are checked here.
https://learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow,
https://learn.microsoft.com/entra/identity-platform/id-token-claims-reference
"""

import re
import threading
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import jwt
import msal  # type: ignore[import-untyped]  # ships no types
import requests
from msal.exceptions import MsalServiceError  # type: ignore[import-untyped]  # ships no types
from pydantic import ConfigDict, ValidationError

from shared.entra.credentials import LATER, msal_credential
from shared.entra.errors import GraphCredentials
from shared.entra.sign_in_app import SignInApp
from shared.model import Model
from shared.rules.entra_connection import Credential, ObjectId

LEEWAY = 60
"""Seconds that the two clocks may differ."""
SILENCE = 20
"""Seconds in which Entra is not asked again after it did not answer: one request waits, and not all of them."""
NOT_OURS = "not ours"
"""The code of an answer that belongs to another question: state or nonce are not those that were sent."""
BAD_TOKEN = "bad token"  # noqa: S105 - the name of a kind
"""The code of an ID token that is forged, too old, or was made for another app, tenant or kind of account."""
NO_IDENTITY = "no identity"
"""The code where the managed identity, which stands for the app, gives no token."""
OUR_OWN = frozenset({"invalid_client", "unauthorized_client"})
"""OAuth errors that say something of the app's credential, and nothing of the person."""

# MSAL recommends form_post, so that no code is in a browser's history. It would take a cookie with SameSite=None, which
# every other site's page can send; the code is worth nothing without the cookie, and once only.
warnings.filterwarnings("ignore", message="response_mode='form_post' is recommended", category=UserWarning)

_CODE = re.compile(r"AADSTS\d+")


class EntraSilent(Exception):
    """Entra's sign-in is down, slow, asks to wait or gives an answer that is not understood."""


class SignInRefused(Exception):
    """Entra, or the check of its answer, says no. Raised without what Entra wrote: that holds names."""

    def __init__(self, code: str, error: str = "") -> None:
        super().__init__(code)
        self.code = code
        """Entra's, such as AADSTS50105; OAuth's where there is none; or one of this module's."""
        self.error = error
        """OAuth's."""

    @property
    def is_ours(self) -> bool:
        """Whether the app's own credential or registration is at fault, not the person."""
        return self.error in OUR_OWN and self.code != "AADSTS50105"


class Claims(Model):
    """What an ID token says of somebody."""

    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)

    oid: ObjectId
    tid: ObjectId
    name: str = ""
    preferred_username: str = ""
    roles: frozenset[str] = frozenset()
    idtyp: str = ""
    """``app`` where no person is signed in."""


@dataclass(frozen=True)
class Identified:
    """Who signed in, and what may be shown to Entra later to ask about them again."""

    claims: Claims
    refresh_token: str | None = field(repr=False)


class _Nothing(msal.TokenCache):  # type: ignore[misc]  # untyped
    """MSAL's memory of tokens, which remembers none: each person's would stay in the process until its end."""

    def add(self, event: object, now: object = None) -> None:
        """Forget it."""


class EntraSignIn:
    """Sends people to one app's sign-in and reads the answers. Threads may share it.

    Every method calls Entra, and raises EntraSilent and SignInRefused.
    """

    def __init__(self, app: SignInApp, session: requests.Session) -> None:
        self.app = app
        self._session = session
        self._lock = threading.Lock()
        self._client: Any = None
        self._silent_until = 0.0

    def begin(self, redirect_uri: str, *, choose: bool) -> dict[str, Any]:
        """A sign-in that begins: MSAL's flow, whose ``auth_uri`` the browser is sent to.

        ``choose``: whether Entra asks which account, though one is signed in there already.
        """
        prompt = "select_account" if choose else None
        flow: dict[str, Any] = self._ask(
            lambda client: client.initiate_auth_code_flow([], redirect_uri=redirect_uri, prompt=prompt)
        )
        return flow

    def finish(self, flow: dict[str, Any], answer: Mapping[str, str]) -> Identified:
        """Who signed in, by the answer that the browser brought back to a flow. A flow is good for one answer."""
        known = {name: answer[name] for name in ("state", "code", "error", "error_description") if answer.get(name)}
        if "state" not in known or known["state"] != flow.get("state") or not known.keys() & {"code", "error"}:
            raise SignInRefused(NOT_OURS)
        return self._identified(self._ask(lambda client: client.acquire_token_by_auth_code_flow(flow, known)))

    def again(self, refresh_token: str) -> Identified:
        """The same person, as Entra sees them now: whether they may still sign in, and with which roles."""
        return self._identified(self._ask(lambda client: client.acquire_token_by_refresh_token(refresh_token, [])))

    def _ask(self, question: Callable[[Any], Any]) -> Any:
        try:
            client = self._connected()
            try:
                return question(client)
            except RuntimeError:  # MSAL's word for a nonce that is not the flow's
                raise SignInRefused(NOT_OURS) from None
        except (MsalServiceError, requests.RequestException, RuntimeError) as error:
            self._silent_until = time.monotonic() + SILENCE
            raise EntraSilent(f"Entra's sign-in did not answer ({type(error).__name__})") from None
        except (ValueError, LookupError, TypeError, AttributeError):
            raise EntraSilent("Entra's sign-in gave an answer that is not understood") from None

    def _connected(self) -> Any:
        """MSAL's client, which has read where the tenant's endpoints are."""
        with self._lock:
            if time.monotonic() < self._silent_until:
                raise EntraSilent("Entra's sign-in did not answer just now")
            if self._client is None:
                self._client = msal.ConfidentialClientApplication(
                    self.app.client_id,
                    client_credential=self._credential(),
                    authority=self.app.tenant_authority,
                    http_client=self._session,
                    token_cache=_Nothing(),
                    # It would ask Microsoft whether the host is Microsoft's; the model of the setting has seen to that.
                    instance_discovery=False,
                )
            return self._client

    def _credential(self) -> str | dict[str, Any]:
        app = self.app
        if app.identity_client_id:
            return {"client_assertion": self._assertion}
        try:
            if app.client_secret:
                return msal_credential(Credential.CLIENT_SECRET, app.client_secret.get_secret_value())
            assert app.certificate  # SignInApp
            return msal_credential(Credential.CERTIFICATE, app.certificate.get_secret_value())
        except GraphCredentials:
            raise SignInRefused("AADSTS700027", "invalid_client") from None

    def _assertion(self) -> str:
        """A token of the managed identity, which Entra takes for the app's own credential: no secret is kept."""
        identity = msal.UserAssignedManagedIdentity(client_id=self.app.identity_client_id)
        managed = msal.ManagedIdentityClient(identity, http_client=self._session)
        try:
            token = managed.acquire_token_for_client(resource=self.app.cloud.exchange).get("access_token")
        except (requests.RequestException, ValueError, LookupError, TypeError):
            token = None
        if not isinstance(token, str):
            raise SignInRefused(NO_IDENTITY, "invalid_client")
        return token

    def _identified(self, answer: Mapping[str, Any]) -> Identified:
        if "error" in answer:
            error, description = str(answer["error"]), str(answer.get("error_description", ""))
            if error in LATER:
                raise EntraSilent("Entra's sign-in asks to wait")
            code = _CODE.search(description)
            raise SignInRefused(code[0] if code else error, error)
        try:
            claims = Claims.model_validate(self._checked(str(answer["id_token"])))
        except (jwt.InvalidTokenError, ValidationError, KeyError):
            raise SignInRefused(BAD_TOKEN) from None
        if claims.tid != self.app.tenant_id or claims.idtyp == "app":
            raise SignInRefused(BAD_TOKEN)
        refresh_token = answer.get("refresh_token")
        return Identified(claims, refresh_token if isinstance(refresh_token, str) else None)

    def _checked(self, token: str) -> dict[str, Any]:
        """The claims of an ID token of ours. Entra's keys are read each time: that is once an hour a person, and needs
        no thought about keys that were changed."""
        key_id = jwt.get_unverified_header(token).get("kid")
        try:
            published = self._session.get(f"{self.app.tenant_authority}/discovery/v2.0/keys")
            published.raise_for_status()
            keys = jwt.PyJWKSet.from_dict(published.json()).keys
        except (requests.RequestException, jwt.PyJWKSetError, ValueError, AttributeError):
            raise EntraSilent("Entra's signing keys are out of reach") from None
        key = next((key for key in keys if key.key_id == key_id), None)
        if key is None:
            raise jwt.InvalidTokenError
        claims: dict[str, Any] = jwt.decode(
            token,
            key,
            algorithms=["RS256"],
            audience=self.app.client_id,
            issuer=self.app.issuer,
            leeway=LEEWAY,
            options={"require": ["exp", "nbf", "iat", "iss", "aud", "sub", "oid", "tid"]},
        )
        return claims
