"""Writes the reference part of docs/mapping.md and docs/mapping.schema.json: `python -m tools.mapping_docs`.

Both are generated from the catalogues in the code; editors check mapping files with the schema.
"""

import json
from collections.abc import Sequence

from local.processes import ROOT
from shared.rules.azure_user import AZURE_FIELDS, ENTRA_NAMES, EXTENDED_SOURCES, SCIM_SOURCES
from shared.rules.expressions import FUNCTIONS
from shared.rules.mapping.mapping import DEFAULT_MAPPING, Mapping
from shared.rules.zoho_user import ZOHO_FIELDS

PAGE = ROOT / "docs/mapping.md"
SCHEMA = ROOT / "docs/mapping.schema.json"
BEGIN = "<!-- written by `python -m tools.mapping_docs`: do not edit below -->"


def page() -> str:
    """Return the whole page: its handwritten part, and the generated reference."""
    return PAGE.read_text().partition(BEGIN)[0] + BEGIN + "\n\n" + reference()


def schema() -> str:
    """Return the JSON Schema of a mapping file."""
    return json.dumps(Mapping.model_json_schema(), indent=2) + "\n"


def reference() -> str:
    """Return every field and every function."""
    return "\n\n".join((_zoho_fields(), _azure_fields(), _entra_names(), _functions())) + "\n"


def _zoho_fields() -> str:
    rules = {rule.target: str(rule.source) for rule in DEFAULT_MAPPING.rules}
    rows = [
        (
            f"`{field}`",
            facts.label,
            facts.description,
            "required" if facts.required else "extension" if facts.extension else "",
            _code(rules.get(field, "")),
            _code(facts.path.text),
        )
        for field, facts in ZOHO_FIELDS.items()
        if not field.is_custom
    ]
    head = ("field", "in Zoho One", "what it is", "", "filled at first from", "SCIM attribute")
    return "## Fields of Zoho One\n\nEach holds one text.\n\n" + _table(head, rows)


def _azure_fields() -> str:
    sources = {name: path.text for name, path in EXTENDED_SOURCES.items()}
    rows = [
        (f"`{field.name}`", str(field.type), field.description, _code(_source(field.name, sources)))
        for field in AZURE_FIELDS.values()
    ]
    return (
        "## Profile fields of Entra\n\nThe names are Microsoft Graph's. The last column is the SCIM attribute that the "
        "bridge reads in a push: the inverse of Entra's default mapping, and for properties that SCIM does not define "
        "an extension of the bridge's own; its attributes can be added to the target list in Entra.\n\n"
        + _table(("field", "type", "what it is", "SCIM attribute in a push"), rows)
    )


def _source(name: str, extended: dict[str, str]) -> str:
    places = [SCIM_SOURCES[name].text] if name in SCIM_SOURCES else []
    return " or ".join([extended[name], *places] if name in extended else places)


def _entra_names() -> str:
    rows = [(f"`[{entra}]`", f"`{graph}`") for entra, graph in ENTRA_NAMES.items()]
    rows.append(("`[IsSoftDeleted]`", '`"True"` for everybody who is not active, else `"False"`'))
    return (
        "## Names of Entra's mapping page\n\nExpressions may also use the names that Entra's own mapping page has.\n\n"
        + _table(("in an expression", "is"), rows)
    )


def _functions() -> str:
    parts = ["## Functions of expressions"]
    for function in FUNCTIONS.values():
        example = f"```\n{function.example}\n→ {function.example_result}\n```"
        link = f"[Microsoft's description]({function.link})"
        parts.append(f"### {function.name}\n\n`{function.signature}`\n\n{function.description}\n\n{example}\n\n{link}")
    return "\n\n".join(parts)


def _code(text: str) -> str:
    return f"`{text}`".replace("|", "\\|") if text else ""


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


if __name__ == "__main__":
    PAGE.write_text(page())
    SCHEMA.write_text(schema())
