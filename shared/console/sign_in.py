"""How administrators sign in to the pages, step by step.

1. ``who`` finds no session, and the page leads to ``begin``: the browser goes to Entra with a cookie that binds the
   answer to this browser. What the answer is checked against is stored in a row for ten minutes.
2. ``finish`` takes Entra's answer, once, has it checked, and begins a session: a new row, and a cookie with its id.
3. ``who`` reads the session on each request, in one round trip to the table. An hour without a request ends it, and
   eight hours end it in any case. The time of the last request is in the cookie itself, signed, so a page that is only
   read writes nothing.
4. Roles are assigned and removed in Entra, and checked again within the hour. For that the session stores Entra's
   refresh token, encrypted: Entra itself then says whether the person may still sign in and with which roles, which
   covers blocked accounts, revoked sessions and conditional access. A redirect with ``prompt=none`` would store no
   token, but would lose the forms sent at that moment; reading assignments from Graph would miss everything but
   assignments. The check begins ten minutes early, so that a short outage of Entra is not noticed. The token is useless
   without the app's own credential, and is deleted with the session. If Entra issued none (no consent to
   offline_access), the session ends after the hour, and the sign-in at Entra begins the next one.
5. ``sign_out`` deletes the row, which ends the session in every process at once.

A session's cookie is named ``__Host-…``, so that no other host and no unencrypted page can set it. On http on a local
machine, where browsers differ on Secure cookies, it has another name; in Azure it never does.
"""

import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Never

from shared.console.admin import ADMIN_ROLES, OWNER, Admin, NotAnAdmin, NotSignedIn, PagesClosed
from shared.console.cookies import is_loopback, set_cookie
from shared.console.own_address import own_address
from shared.entra.sign_in import NOT_OURS, EntraSignIn, EntraSilent, Identified, SignInRefused
from shared.model import Model
from shared.settings import Platform
from shared.sign_in_settings import SignInOff
from shared.tables.errors import Stale
from shared.tables.sessions import Found, Kept, Session, Sessions

CALLBACK = "/console/sign-in/callback"
"""Path of the redirect URI of the app registration; the app's address comes before it."""

FLOW_LIFETIME = timedelta(minutes=10)
"""Time between leaving for Entra and coming back: a password, a second factor, a consent."""
IDLE = timedelta(hours=1)
CONFIRM_AFTER, CONFIRM_WITHIN = timedelta(minutes=50), timedelta(hours=1)
"""Age of the last check at which Entra is asked again, and at which the session is refused until Entra has answered."""
COOKIE_RENEWED_AFTER = timedelta(minutes=1)
"""Precision of the hour without a request."""

NO_COOKIE = "no cookie"
LATE = "late"
"""Further codes of SignInRefused: the browser has no cookie of this sign-in; it was already answered, or is too old."""

LOCAL = "local"
"""Id and session of the administrator of a local machine, who does not sign in."""


@dataclass(frozen=True)
class Browser:
    """The browser that a request comes from."""

    cookies: Mapping[str, str]
    origin: str
    """The app's address as the browser sees it."""
    host: str
    """The request's Host, as it came."""


@dataclass(frozen=True)
class SignedIn:
    """The administrator who sent a request."""

    admin: Admin
    session: str
    """Row key of the session that forms belong to."""
    cookie: str | None = None
    """A Set-Cookie header that extends the session."""


@dataclass(frozen=True)
class Redirect:
    """Where the browser goes next, and the Set-Cookie header: an answer has one at most (functions/answer.py)."""

    url: str
    cookie: str


class _Flow(Model):
    msal: dict[str, Any]
    to: str


@dataclass(frozen=True)
class SignIn:
    """Signs administrators in and out. Its methods raise TablesBusy, and PagesClosed if nobody can sign in."""

    platform: Platform
    sessions: Sessions
    entra: EntraSignIn | None
    """None if settings are missing; ``platform`` says which."""
    secret: bytes
    """Key that signs the cookies."""
    now: Callable[[], datetime]

    def begin(self, browser: Browser, to: str, *, choose: bool = False) -> Redirect:
        """Redirect to Entra, and afterwards to a page of the app. ``choose``: Entra asks which account. Raises
        EntraSilent.
        """
        flow = self._entra().begin(self._address(browser) + CALLBACK, choose=choose)
        url = str(flow.pop("auth_uri"))
        kept = self.sessions.keep(Kept.FLOW, _Flow(msal=flow, to=own_address(to)).model_dump_json(), FLOW_LIFETIME)
        return Redirect(url, self._cookie(browser, _flow_name(flow["state"]), kept, int(FLOW_LIFETIME.total_seconds())))

    def finish(self, browser: Browser, answer: Mapping[str, str]) -> Redirect:
        """Take Entra's answer: begin a session and continue to the page that was requested.

        Raises SignInRefused, EntraSilent and NotAnAdmin.
        """
        entra, name = self._entra(), _flow_name(answer.get("state", ""))
        kept = browser.cookies.get(self._named(browser, name))
        if not kept:
            raise SignInRefused(NO_COOKIE if "state" in answer else NOT_OURS)
        text = self.sessions.take(Kept.FLOW, kept)
        if text is None:
            raise SignInRefused(LATE)
        flow = _Flow.model_validate_json(text)
        identified = entra.finish(flow.msal, answer)
        session = self._session(identified, self.now())
        if former := self._session_id(browser):
            self.sessions.end(self.sessions.key(former[0]))
        new_id = self.sessions.begin(session)
        return Redirect(flow.to, self._session_cookie(browser, new_id))

    def who(self, browser: Browser) -> SignedIn:
        """Identify the administrator.

        Raises NotSignedIn and NotAnAdmin; once an hour, if Entra cannot be asked, EntraSilent and SignInRefused.
        """
        if self.platform.local_admin is not None:
            if not is_loopback(f"http://{browser.host}"):  # another site's name that leads to this machine
                raise PagesClosed("On one machine the pages are at http://127.0.0.1, and at no other name")
            return SignedIn(_local_admin(self.platform, self.platform.local_admin), LOCAL)
        app = self._entra().app
        known = self._session_id(browser)
        found = self.sessions.find(known[0]) if known else None
        if known is None or found is None:
            raise NotSignedIn
        if (found.session.tenant_id, found.session.client_id) != (app.tenant_id, app.client_id):
            raise NotSignedIn  # the settings were changed
        session_id, seen = known
        session = self._confirmed(session_id, found)
        used = self.now() - seen > COOKIE_RENEWED_AFTER
        cookie = self._session_cookie(browser, session_id) if used else None
        return SignedIn(Admin(session.admin_id, session.name, session.is_owner, session.address), found.key, cookie)

    def sign_out(self, browser: Browser, signed_in: SignedIn) -> Redirect:
        """End the session everywhere. The sign-in at Entra itself continues."""
        self.sessions.end(signed_in.session)
        return Redirect("/console/signed-out", self._cookie(browser, _SESSION, "", 0))

    def _confirmed(self, session_id: str, found: Found) -> Session:
        """The session, with roles that were checked within the hour."""
        session, asked = found.session, self.now()
        if asked - session.confirmed < CONFIRM_AFTER:
            return session
        is_in_time = asked - session.confirmed < CONFIRM_WITHIN
        if session.refresh_token is None:
            return session if is_in_time else self._end(found, NotSignedIn())
        try:
            renewed = self._session(self._entra().again(session.refresh_token), asked, session)
        except NotAnAdmin as error:
            return self._end(found, error)
        except (EntraSilent, SignInRefused) as error:
            if isinstance(error, SignInRefused) and not error.is_ours:
                return self._end(found, NotSignedIn())
            if is_in_time:
                return session
            raise
        try:
            self.sessions.renew(found, renewed)
        except Stale:  # by another request of theirs, or by their sign-out
            again = self.sessions.find(session_id)
            if again is None:
                raise NotSignedIn from None
            return again.session
        return renewed

    def _end(self, found: Found, reason: NotSignedIn | NotAnAdmin) -> Never:
        self.sessions.end(found.key)
        raise reason

    def _session(self, identified: Identified, at: datetime, former: Session | None = None) -> Session:
        """Build a session from Entra's answer. ``former``: the session that continues. Raises NotAnAdmin and
        SignInRefused.
        """
        claims, app = identified.claims, self._entra().app
        if former and former.admin_id != claims.oid:
            raise SignInRefused(NOT_OURS)
        if not claims.roles & ADMIN_ROLES:
            raise NotAnAdmin
        return Session(
            admin_id=claims.oid,
            name=claims.name or claims.preferred_username,
            is_owner=OWNER in claims.roles,
            address=claims.preferred_username,
            tenant_id=app.tenant_id,
            client_id=app.client_id,
            began=former.began if former else at,
            confirmed=at,
            refresh_token=identified.refresh_token or (former.refresh_token if former else None),
        )

    def _entra(self) -> EntraSignIn:
        if self.entra is None:
            try:
                reason = f"{self.platform.sign_in_app.client_id} was missing when the app started"
            except SignInOff as off:
                reason = str(off)
            raise PagesClosed(f"Nobody can sign in: {reason}")
        return self.entra

    def _address(self, browser: Browser) -> str:
        """The app's address as registered in Entra: in Azure https, whatever a proxy made of it."""
        return browser.origin.replace("http://", "https://", 1) if self.platform.is_azure else browser.origin

    def _session_id(self, browser: Browser) -> tuple[str, datetime] | None:
        """The id of the browser's session and the time of its last request; None if the cookie is not valid, or
        was not used for an hour.
        """
        session_id, _, rest = browser.cookies.get(self._named(browser, _SESSION), "").partition(".")
        seconds, _, mac = rest.partition(".")
        if not hmac.compare_digest(mac.encode(), self._mac(session_id, seconds).encode()):
            return None
        seen = datetime.fromtimestamp(int(seconds), UTC)
        return (session_id, seen) if self.now() - seen < IDLE else None

    def _session_cookie(self, browser: Browser, session_id: str) -> str:
        seconds = str(int(self.now().timestamp()))
        return self._cookie(browser, _SESSION, f"{session_id}.{seconds}.{self._mac(session_id, seconds)}")

    def _mac(self, session_id: str, seconds: str) -> str:
        return hmac.new(self.secret, f"{session_id}.{seconds}".encode(), hashlib.sha256).hexdigest()

    def _cookie(self, browser: Browser, name: str, value: str, seconds: int | None = None) -> str:
        return set_cookie(self._named(browser, name), value, seconds=seconds, secure=self._is_secure(browser))

    def _named(self, browser: Browser, name: str) -> str:
        return f"__Host-{name}" if self._is_secure(browser) else name

    def _is_secure(self, browser: Browser) -> bool:
        return self.platform.is_azure or not is_loopback(browser.origin)


_SESSION = "bridge-session"


def _flow_name(state: str) -> str:
    """Name of the cookie of a sign-in: each tab has its own."""
    return f"bridge-sign-in-{state[:8]}"


def _local_admin(platform: Platform, roles: str) -> Admin:
    if platform.is_azure:
        raise PagesClosed(
            "BRIDGE_LOCAL_ADMIN signs anybody in and is for a local machine only: remove this app setting"
        )
    given = {role.strip() for role in roles.split(",")}
    if not given & ADMIN_ROLES:
        raise NotAnAdmin
    return Admin(LOCAL, is_owner=OWNER in given)
