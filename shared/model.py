"""The base of every model, which keeps input from outside out of every error message, and so out of the log.

By default a validation error repeats its input, and a queue's message, a row or an answer holds names, addresses and
secrets. tests/test_model.py checks that there is no other base.
"""

from pydantic import BaseModel, ConfigDict

HIDDEN = ConfigDict(hide_input_in_errors=True)
"""For a TypeAdapter: its errors are configured separately."""


class Model(BaseModel):
    """A model with errors that say where and what is wrong, without repeating the input."""

    model_config = HIDDEN
