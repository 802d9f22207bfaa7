"""What the app answers, in the platform's terms."""

import azure.functions as func

from shared.console.page import Page
from shared.scim.endpoint import HttpResponse


def answer_of(answer: Page | HttpResponse) -> func.HttpResponse:
    """A page, or an answer of the sync endpoint."""
    body = answer.html if isinstance(answer, Page) else answer.body
    return func.HttpResponse(body, status_code=answer.status, headers=dict(answer.headers))
