"""The admin's browser on the way to Zoho's consent page and back. It keeps cookies, and follows one step at a time."""

from dataclasses import dataclass, field

import requests

TIMEOUT = 30.0  # seconds; a cold function host on a busy machine


class NotAsked(Exception):
    """The bridge showed a page instead of sending the browser to Zoho, or Zoho did not send it back."""

    def __init__(self, response: requests.Response) -> None:
        super().__init__(f"{response.status_code}: {response.text[:2000]}")
        self.response = response


@dataclass
class AdminBrowser:
    """One browser."""

    host: str
    """The function host's address."""
    session: requests.Session = field(default_factory=requests.Session)

    def sign_in(self, person: str) -> requests.Response:
        """Sign in at the simulated Entra; what the bridge answers at the end. Raises NotAsked."""
        at_entra = self._redirected(self.get("/console/sign-in"))
        chosen = self.session.post(at_entra, data={"person": person}, timeout=TIMEOUT, allow_redirects=False)
        return self.come_back(self._redirected(chosen))

    def ask(self, store: str) -> str:
        """Open `/oauth/start` and return the address at Zoho that it leads to. Raises NotAsked."""
        return self._redirected(self.get("/oauth/start", store=store))

    def decide(self, consent_url: str, decision: str = "accept") -> str:
        """Press a button on Zoho's consent page and return the address that it leads back to. Raises NotAsked."""
        self.session.get(consent_url, timeout=TIMEOUT).raise_for_status()
        form = {"decision": decision}
        return self._redirected(self.session.post(consent_url, data=form, timeout=TIMEOUT, allow_redirects=False))

    def come_back(self, callback_url: str) -> requests.Response:
        """Open the address that Zoho's page, or Entra's, led back to."""
        return self.session.get(callback_url, timeout=TIMEOUT, allow_redirects=False)

    def connect(self, store: str) -> requests.Response:
        """The whole way; what the bridge shows at its end. Raises NotAsked."""
        return self.come_back(self.decide(self.ask(store)))

    def get(self, path: str, **query: str) -> requests.Response:
        """Open a page of the bridge."""
        return self.session.get(self.host + path, params=query, timeout=TIMEOUT, allow_redirects=False)

    def _redirected(self, response: requests.Response) -> str:
        if response.status_code != 302:
            raise NotAsked(response)
        return response.headers["Location"]
