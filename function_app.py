"""What the Functions worker indexes: the blueprints of functions/, and nothing else."""

import azure.functions as func

from functions import closed, console, jobs, oauth, reconcile, scim
from shared.app.startup import startup
from shared.logging import configure_logging

configure_logging()

app = func.FunctionApp()
if obstacle := startup().wrong_settings:
    app.register_functions(closed.closed(obstacle))
else:
    for role in (scim, oauth, console, reconcile, jobs):
        app.register_functions(role.blueprint)
