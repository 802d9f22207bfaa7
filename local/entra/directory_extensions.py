"""Directory extensions of the simulated Entra: one of every data type, with values of two people.

An extension that is not one of these takes any value, so that a test can let Graph say what it never should.

Source: https://learn.microsoft.com/graph/api/application-post-extensionproperty, https://learn.microsoft.com/graph/api/resources/extensionproperty
"""

import base64
import binascii
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from local.entra.people import PEOPLE

APP = "0f6e41b2c3d44e5f8a9b0c1d2e3f4a5b"
"""The application that the extensions belong to, as it stands in their names: its id without hyphens."""


class Extension(NamedTuple):
    """One extension property."""

    data_type: str
    """By Graph's names."""
    value: Any
    """One that Graph shows, as it stands in its JSON."""
    is_multi_valued: bool = False


def _name(name: str) -> str:
    return f"extension_{APP}_{name}"


EXTENSIONS: Mapping[str, Extension] = {
    _name("isRemote"): Extension("Boolean", True),
    _name("isContractor"): Extension("Boolean", False),
    _name("level"): Extension("Integer", 5),
    _name("badge"): Extension("LargeInteger", 9_007_199_254_740_993),
    _name("since"): Extension("DateTime", "2024-02-29T08:30:00Z"),
    _name("key"): Extension("Binary", base64.b64encode(b"\x00\xffkey").decode()),
    _name("costCentre"): Extension("String", "4711"),
    _name("skills"): Extension("String", ["Python", "Français"], True),
    _name("levels"): Extension("Integer", [1, 2], True),
}


def further_properties() -> dict[str, dict[str, Any]]:
    """The extensions of those who have some at the beginning, by their ids: the others have none set."""
    everything = {name: extension.value for name, extension in EXTENSIONS.items()}
    return {PEOPLE[0].id: everything, PEOPLE[1].id: {_name("isRemote"): False, _name("level"): 0}}


def check_extensions(values: Mapping[str, Any]) -> None:
    """Raise ValueError where a value is not of its extension's data type; null unsets any."""
    for name, value in values.items():
        extension = EXTENSIONS.get(name)
        if extension is None or value is None:
            continue
        if extension.is_multi_valued is not isinstance(value, list):
            raise ValueError(f"{name} is {'a list' if extension.is_multi_valued else 'one value'}")
        for each in value if isinstance(value, list) else [value]:
            if not _KINDS[extension.data_type](each):
                raise ValueError(f"{name} is of the data type {extension.data_type}")


def _is_integer(bits: int) -> Callable[[Any], bool]:
    return lambda value: type(value) is int and -(2 ** (bits - 1)) <= value < 2 ** (bits - 1)


def _is_date(value: Any) -> bool:
    try:
        return isinstance(value, str) and datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False


def _is_binary(value: Any) -> bool:
    try:
        return isinstance(value, str) and len(base64.b64decode(value, validate=True)) <= 256
    except binascii.Error:
        return False


_KINDS: Mapping[str, Callable[[Any], bool]] = {
    "Boolean": lambda value: isinstance(value, bool),
    "Integer": _is_integer(32),
    "LargeInteger": _is_integer(64),
    "DateTime": _is_date,
    "Binary": _is_binary,
    "String": lambda value: isinstance(value, str) and len(value) <= 256,
}
