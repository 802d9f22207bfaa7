"""How calls of Table Storage fail, as its client library tells it."""

from azure.core.exceptions import AzureError, HttpResponseError, ServiceRequestError, ServiceResponseError

from tests.simulation.outside import Fault

_STATUS = {Fault.BUSY: 503, Fault.THROTTLED: 429, Fault.BUSY_DONE: 500, Fault.LIE: 502, Fault.LIE_DONE: 502}


class Storage:
    """The medium."""

    timeout = 20.0

    def failure(self, fault: Fault) -> None:
        """Raises what the library raises once its own retries are used up."""
        raise _error(fault)


def _error(fault: Fault) -> AzureError:
    if fault is Fault.UNSENT:
        return ServiceRequestError("not reached")
    if fault not in _STATUS:
        return ServiceResponseError("no answer")
    error = HttpResponseError(fault.value)
    error.status_code = _STATUS[fault]
    return error
