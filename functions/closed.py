"""The app while its settings are wrong: every address answers what is wrong, and a timer logs it.

The functions have the names and routes of those that they replace. No queue triggers one, so no message is used up, and
none writes to a queue: the platform would refuse a function whose storage account is not set.
"""

import azure.functions as func

from functions import console, oauth, reconcile, scim
from functions.answer import answer_of
from functions.pages import page_of
from shared.app.startup import startup
from shared.console.obstacle_app import obstacle_app
from shared.obstacle import Obstacle
from shared.scim.unavailable import unavailable


def closed(obstacle: Obstacle) -> func.Blueprint:
    """The functions, which all answer with the obstacle."""
    blueprint = func.Blueprint()  # type: ignore[no-untyped-call]  # the library leaves it untyped
    anybody, pages = func.AuthLevel.ANONYMOUS, obstacle_app(obstacle)

    @blueprint.function_name("scim")
    @blueprint.route(scim.ROUTE, methods=scim.METHODS, auth_level=anybody)
    def closed_scim(req: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001 - the worker passes it by name
        return answer_of(unavailable(obstacle))

    @blueprint.function_name("health")
    @blueprint.route(console.HEALTH_ROUTE, methods=["GET"], auth_level=anybody)
    def closed_health(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
        return page_of(pages, req, context)

    @blueprint.function_name("console")
    @blueprint.route(console.CONSOLE_ROUTE, methods=["GET", "POST"], auth_level=anybody)
    def closed_console(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
        return page_of(pages, req, context)

    @blueprint.function_name("oauth_start")
    @blueprint.route(oauth.START_ROUTE, methods=["GET"], auth_level=anybody)
    def closed_oauth_start(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
        return page_of(pages, req, context)

    @blueprint.function_name("oauth_callback")
    @blueprint.route(oauth.CALLBACK_ROUTE, methods=["GET"], auth_level=anybody)
    def closed_oauth_callback(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
        return page_of(pages, req, context)

    @blueprint.function_name("tick")
    @blueprint.timer_trigger("timer", schedule=reconcile.TICK_SCHEDULE)
    def closed_tick(timer: func.TimerRequest) -> None:  # noqa: ARG001
        startup().tick()

    return blueprint
