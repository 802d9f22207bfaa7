"""The table of docs/settings.md: `python -m tools.settings_docs` prints it."""

from enum import Enum
from typing import Any

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from shared.settings import Platform, Settings

BY_THE_PLATFORM = "WEBSITE_"


def table() -> str:
    """Return a row for each setting that the code reads and the platform does not set by itself."""
    # A setting that both read is described by the first.
    by_name = {
        str(field.validation_alias): field for each in (Platform, Settings) for field in each.model_fields.values()
    }
    fields = list(by_name.values())
    ours = [field for field in fields if not str(field.validation_alias).startswith(BY_THE_PLATFORM)]
    rows = sorted((str(field.validation_alias), _default(field), _description(field)) for field in ours)
    lines = ["| setting | unless set | is for |", "| --- | --- | --- |"]
    return "\n".join([*lines, *(f"| `{name}` | {default} | {text} |" for name, default, text in rows)])


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "needed"
    value: Any = field.default.value if isinstance(field.default, Enum) else field.default
    return f"`{value:g}`" if isinstance(value, float) else f"`{value}`" if value else "–"


def _description(field: FieldInfo) -> str:
    secret = SecretStr in (field.annotation, *getattr(field.annotation, "__args__", ()))
    return f"{field.description}{' (secret)' if secret else ''}"


if __name__ == "__main__":
    print(table())
