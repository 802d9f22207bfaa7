"""What the Functions worker indexes: the blueprints of functions/, and nothing else."""

import azure.functions as func

from functions.console import blueprint as console
from functions.errands import blueprint as errands
from functions.groups import blueprint as groups
from functions.notify import blueprint as notify
from functions.oauth import blueprint as oauth
from functions.reconcile import blueprint as reconcile
from functions.scim import blueprint as scim
from shared.logging import configure_logging
from shared.settings import read_settings

configure_logging()
read_settings()  # the app does not start with settings that would fail later, one request at a time

app = func.FunctionApp()
app.register_functions(scim)
app.register_functions(oauth)
app.register_functions(notify)
app.register_functions(console)
app.register_functions(reconcile)
app.register_functions(errands)
app.register_functions(groups)
