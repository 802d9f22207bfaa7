"""HTTP: how a function answers with a page of the console, or with what keeps the console from starting."""

from http import HTTPStatus
from urllib.parse import urlsplit

import azure.functions as func
from flask import Flask

from functions.answer import Answer
from shared.app.startup import NotStarted, startup
from shared.console.obstacle_app import obstacle_app


class _Pages(func.WsgiMiddleware):
    """The library's way to call a WSGI application, but a page with a status of 5xx is an answer too."""

    def _handle_errors(self, wsgi_response: object) -> None:
        """Raise nothing: the library would answer 500 without a page."""


def page_of(app: Flask, req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    """The application's answer. An address that cannot be read is answered 400: the library would raise ValueError."""
    try:
        urlsplit(req.url)
    except ValueError:
        return func.HttpResponse("The address of this page is malformed.", status_code=HTTPStatus.BAD_REQUEST)
    return Answer(_Pages(app.wsgi_app).handle(req, context))  # type: ignore[no-untyped-call]  # untyped


def console_page(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    """The console's answer; while the app cannot be started, what keeps it from that."""
    try:
        console = startup().console()
    except NotStarted as reason:
        console = obstacle_app(reason.obstacle)
    return page_of(console, req, context)
