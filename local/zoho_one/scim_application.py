"""The application being provisioned, as Entra's provisioning service calls it over SCIM."""

import json
import time
from typing import Any, Literal

import requests

ATTEMPTS = 4  # of one request that is answered 503
LONGEST_WAIT = 30.0  # seconds; a longer Retry-After is for the next cycle
TIMEOUT = (5.0, 60.0)  # seconds to connect, and to wait for an answer
MEDIA_TYPE = "application/scim+json"


class RefusedError(Exception):
    """The application answered with an error, or with something other than SCIM.

    The message is its status, SCIM type and detail.
    """

    def __init__(self, response: requests.Response) -> None:
        self.status = response.status_code
        error = _object(response)
        parts = (response.status_code, error.get("scimType"), error.get("detail") or response.reason)
        super().__init__(": ".join(str(part) for part in parts if part))


class QuarantinedError(Exception):
    """The application refuses the credentials, or breaks SCIM so that nothing can be matched: the job stops at once.

    Source: https://learn.microsoft.com/entra/identity/app-provisioning/application-provisioning-quarantine-status
    """


class ScimApplication:
    """The `/Users` or `/Groups` of one sync endpoint, with the requests that Entra makes there.

    Every method raises RefusedError for an answer that is not a success, QuarantinedError for one that would affect
    every other person too, and requests' exceptions if there is no answer.
    """

    def __init__(self, sync_endpoint: str, secret_token: str, collection: Literal["Users", "Groups"] = "Users") -> None:
        self._users = f"{sync_endpoint.rstrip('/')}/{collection}"
        self._reading = {} if collection == "Users" else {"excludedAttributes": "members"}
        self._session = requests.Session()
        self._session.headers.update({"Authorization": f"Bearer {secret_token}", "Accept": MEDIA_TYPE})

    def find(self, attribute: str, value: str) -> dict[str, Any] | None:
        """Return the user with this value of the attribute, or None."""
        return self._first({"filter": f"{attribute} eq {_quoted(value)}"} | self._reading)

    def has_manager(self, user_id: str, manager_id: str) -> bool:
        """Return whether the application knows this manager for this user: Entra's reference check."""
        question = f"id eq {_quoted(user_id)} and manager eq {_quoted(manager_id)}"
        return self._first({"filter": question, "attributes": "id"}) is not None

    def get(self, user_id: str) -> dict[str, Any] | None:
        """Return the user with this id, or None."""
        try:
            return _object(self._send("GET", f"/{user_id}", query=self._reading))
        except RefusedError as refusal:
            if refusal.status == requests.codes.not_found:
                return None
            raise

    def create(self, body: dict[str, Any]) -> str:
        """Create a user and return their id."""
        response = self._send("POST", "", body=body)
        user_id = _object(response).get("id")
        if not user_id:
            raise RefusedError(response)
        return str(user_id)

    def patch(self, user_id: str, body: dict[str, Any]) -> None:
        """Change a user."""
        self._send("PATCH", f"/{user_id}", body=body)

    def delete(self, user_id: str) -> None:
        """Delete a user; if they are gone already, that is no error."""
        try:
            self._send("DELETE", f"/{user_id}")
        except RefusedError as refusal:
            if refusal.status != requests.codes.not_found:
                raise

    def _first(self, query: dict[str, str]) -> dict[str, Any] | None:
        try:
            users = _object(self._send("GET", "", query=query)).get("Resources") or []
        except RefusedError as refusal:
            if refusal.status == requests.codes.not_found:
                raise QuarantinedError(f"A filter without a match must give an empty list, not {refusal}") from refusal
            raise
        return users[0] if users else None

    def _send(
        self, method: str, path: str, *, query: dict[str, str] | None = None, body: dict[str, Any] | None = None
    ) -> requests.Response:
        content = None if body is None else json.dumps(body).encode()
        headers = {} if body is None else {"Content-Type": f"{MEDIA_TYPE}; charset=utf-8"}
        for attempts_left in reversed(range(ATTEMPTS)):
            response = self._session.request(
                method, self._users + path, params=query, data=content, headers=headers, timeout=TIMEOUT
            )
            if response.status_code != requests.codes.service_unavailable or not attempts_left:
                break
            if (wait := _wait(response)) > LONGEST_WAIT:
                break
            time.sleep(wait)
        if response.status_code in (requests.codes.unauthorized, requests.codes.forbidden):
            raise QuarantinedError(str(RefusedError(response)))
        if not response.ok:
            raise RefusedError(response)
        return response


def _wait(response: requests.Response) -> float:
    """Return how long to wait before the next attempt: Retry-After in seconds, or one."""
    try:
        return float(response.headers.get("Retry-After", 1))
    except ValueError:
        return 1.0  # a date: allowed by RFC 9110, unusual for SCIM


def _object(response: requests.Response) -> dict[str, Any]:
    try:
        content = response.json()
    except requests.JSONDecodeError:
        return {}
    return content if isinstance(content, dict) else {}


def _quoted(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)  # a string of SCIM's filter grammar is one of JSON's
