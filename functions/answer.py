"""The app's answers in the platform's terms; a Set-Cookie header arrives as it was written.

The worker library parses Set-Cookie headers, and the host writes them again, with an empty Domain, which makes browsers
refuse a cookie named ``__Host-…`` (https://github.com/Azure/azure-functions-python-worker/issues/1902). A header that
the library does not find is passed on like any other, and the host leaves it as it is. The host takes each name once,
so an answer has one cookie at most.
"""

from typing import Any

import azure.functions as func
from werkzeug.datastructures import Headers

from shared.scim.endpoint import HttpResponse


class Answer(func.HttpResponse):
    """An answer as the worker library should take it."""

    def __init__(self, page: func.HttpResponse) -> None:
        super().__init__(
            page.get_body(),
            status_code=page.status_code,
            headers=page.headers,
            mimetype=page.mimetype,
            charset=page.charset,
        )
        self._headers = _Headers(page.headers)
        if len(self._headers.getlist("Set-Cookie")) > 1:
            raise ValueError("the host takes one cookie an answer")

    @property
    def headers(self) -> Headers:
        """The headers; ``in`` never finds a cookie."""
        return self._headers


class _Headers(Headers):
    def __contains__(self, key: Any) -> bool:
        return str(key).lower() != "set-cookie" and super().__contains__(key)


def answer_of(answer: HttpResponse) -> func.HttpResponse:
    """An answer of the sync endpoint."""
    return Answer(func.HttpResponse(answer.body, status_code=answer.status, headers=dict(answer.headers)))
