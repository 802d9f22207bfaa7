"""The base of every model, so that what was read from outside is in no error message, and so in no log.

A validation error repeats its input unless told otherwise, and a message of a queue, a row or an answer holds names,
addresses and secrets. tests/test_model.py sees to it that there is no other base.
"""

from pydantic import BaseModel, ConfigDict

HIDDEN = ConfigDict(hide_input_in_errors=True)
"""For a TypeAdapter, whose errors are its own."""


class Model(BaseModel):
    """A model whose errors say where and what is wrong, but repeat nothing of it."""

    model_config = HIDDEN
