"""Whether the storage account answers at all."""

from http import HTTPStatus

import requests

from shared.tables.errors import TablesBusy
from shared.tables.service import AsIdentity, StorageAccount
from shared.tables.stores import Stores

SECONDS = 3
_NOBODY = "health"
"""An id that a store may have; reading it is one round trip either way."""


def tables_answer(stores: Stores) -> str | None:
    """Return None where Table Storage answers, or the error."""
    try:
        stores.read(_NOBODY)
    except TablesBusy as busy:
        return str(busy)
    return None


def queue_answers(account: StorageAccount) -> str | None:
    """Return None where Queue Storage answers, or the error. It is asked without a key; a refusal is an answer.

    Returns None, too, where the settings name no address of it.
    """
    url = _queue_url(account)
    if url is None:
        return None
    try:
        answer = requests.get(f"{url.rstrip('/')}/cycles?comp=metadata", timeout=SECONDS, allow_redirects=False)
    except requests.RequestException as error:
        return f"Queue Storage did not answer ({type(error).__name__})"
    if answer.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return f"Queue Storage did not answer ({answer.status_code})"
    return None


def _queue_url(account: StorageAccount) -> str | None:
    if isinstance(account, AsIdentity):
        return account.table_url.replace(".table.", ".queue.", 1)
    settings = dict(part.split("=", 1) for part in account.split(";") if "=" in part)
    if "QueueEndpoint" in settings or "AccountName" not in settings:
        return settings.get("QueueEndpoint")
    return f"https://{settings['AccountName']}.queue.{settings.get('EndpointSuffix', 'core.windows.net')}"
