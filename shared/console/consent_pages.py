"""The pages of consent: one sends the browser to Zoho, one takes it back."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlencode

from pydantic import ValidationError

from shared.connection.consent import Consent, ConsentAnswer, cookie_name
from shared.connection.errors import ConsentRefused, Refusal
from shared.console.admin import Admin, NotAnAdmin, NotSignedIn, PagesClosed
from shared.console.cookies import is_loopback, set_cookie
from shared.console.notices import DEFECT, MALFORMED, REFUSALS, TABLES_BUSY, Notice, closed
from shared.console.own_address import START as FIRST_PAGE
from shared.console.page import MalformedAddress, Page, PageRequest, page, redirect
from shared.console.sign_in import Browser, SignIn
from shared.console.sign_in_notices import ENTRA_SILENT, NO_ROLE, refused
from shared.entra.sign_in import EntraSilent, SignInRefused
from shared.logging import places
from shared.tables.consents import LIFETIME
from shared.tables.errors import TablesBusy
from shared.tables.stores import Stores

_log = logging.getLogger("bridge.console")

START = "/oauth/start"
CALLBACK = "/oauth/callback"
"""With the app's address before it, the redirect URI to register in Zoho's API console."""


@dataclass(frozen=True)
class ConsentPages:
    """Answers every request with a page, whatever came in."""

    consent: Consent
    stores: Stores
    sign_in: SignIn
    public_url: str | None

    def start(self, request: PageRequest) -> Page:
        """Ask for consent for the store that is named in the query: to Zoho, with a cookie for the way back."""
        return self._for_admin(request, self._start)

    def callback(self, request: PageRequest) -> Page:
        """Take Zoho's answer."""
        return self._for_admin(request, self._callback)

    def _for_admin(self, request: PageRequest, answer: Callable[[PageRequest, Admin, str], Page]) -> Page:
        try:
            origin = self.public_url or request.origin
            return answer(request, self.sign_in.who(Browser(request.cookies, origin)).admin, origin)
        except PagesClosed as reason:
            return _notice(closed(str(reason)))
        except NotSignedIn:
            to = f"{START}?{urlencode(_store_of(request))}" if _store_of(request) else FIRST_PAGE
            return redirect(f"/console/sign-in?{urlencode({'to': to})}")
        except NotAnAdmin:
            return _notice(NO_ROLE)
        except SignInRefused as error:
            return _notice(refused(error))
        except EntraSilent:
            return _notice(ENTRA_SILENT)
        except ConsentRefused as error:
            again = f"{START}?{urlencode({'store': error.store})}" if error.store else None
            return _notice(REFUSALS[error.refusal], again, "Connect again")
        except TablesBusy:
            return _notice(TABLES_BUSY)
        except MalformedAddress:
            return _notice(MALFORMED)
        except Exception as error:  # a defect of ours is a page too, never a stack trace
            _log.error("defect error=%s at %s", type(error).__name__, places(error))
            return _notice(DEFECT)

    def _start(self, request: PageRequest, admin: Admin, origin: str) -> Page:
        store = self.stores.get(request.query.get("store", ""))
        if store is None:
            raise ConsentRefused(Refusal.NO_STORE)
        redirect_uri = origin + CALLBACK
        question = self.consent.ask(store, admin.id, redirect_uri)
        name = cookie_name(question.opened.state)
        return redirect(question.url, _cookie(name, question.opened.cookie, LIFETIME.seconds, redirect_uri))

    def _callback(self, request: PageRequest, admin: Admin, origin: str) -> Page:
        try:
            answer = ConsentAnswer.model_validate(dict(request.query))
        except ValidationError:
            raise ConsentRefused(Refusal.STATE) from None
        connected = self.consent.answer(answer, admin.id, request.cookies, str(admin))
        return page(
            200,
            "connected.html",
            cookie=_cookie(cookie_name(answer.state), "", 0, origin),
            store=connected.store,
            data_center=connected.data_center,
            moved_from=connected.moved_from,
        )


def _notice(notice: Notice, action: str | None = None, action_text: str = "") -> Page:
    return page(
        notice.status,
        "notice.html",
        title=notice.title,
        happened=notice.happened,
        cure=notice.cure,
        action=action,
        action_text=action_text,
    )


def _store_of(request: PageRequest) -> dict[str, str]:
    return {"store": request.query["store"]} if "store" in request.query else {}


def _cookie(name: str, value: str, seconds: int, seen_at: str) -> str:
    """``seen_at``: the address the browser has."""
    return set_cookie(name, value, path="/oauth", seconds=seconds, secure=not is_loopback(seen_at))
