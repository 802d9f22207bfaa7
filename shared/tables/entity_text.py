"""Texts of any length in the properties of an entity."""

from collections.abc import Mapping

CHUNK = 16_000
"""Characters in one property. Table Storage takes 32 K UTF-16 units, and a character beyond the BMP is two of them.

https://learn.microsoft.com/rest/api/storageservices/understanding-the-table-service-data-model
"""


def spread(name: str, text: str) -> dict[str, str]:
    """Return the text as properties ``name``, ``name_1``, …"""
    chunks = range(0, max(len(text), 1), CHUNK)
    return {name if start == 0 else f"{name}_{start // CHUNK}": text[start : start + CHUNK] for start in chunks}


def gather(entity: Mapping[str, object], name: str) -> str:
    """Return the text that ``spread`` stored. Raises KeyError where there is none."""
    parts = [str(entity[name])]
    while (part := entity.get(f"{name}_{len(parts)}")) is not None:
        parts.append(str(part))
    return "".join(parts)
