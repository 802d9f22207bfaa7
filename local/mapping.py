"""`python -m local mapping …`: work on attribute mappings and expressions without a deployment."""

import argparse
import json
import random
import sys
from datetime import UTC, datetime
from pathlib import Path

from pydantic import JsonValue, TypeAdapter, ValidationError
from rich.console import Console
from rich.table import Table
from rich.text import Text

from local.mapping_docs import write_page
from local.processes import ROOT
from shared.bridge import Bridge
from shared.directory.azure_user import AzureUser, from_graph
from shared.directory.compiled_mapping import CompiledMapping, expression_reader
from shared.directory.expressions import EvaluationContext, EvaluationError, ExpressionError, compile_expression, shown
from shared.directory.mapping import Mapping
from shared.directory.mapping_check import InvalidMapping, check_mapping, misspelt_names, read_mapping
from shared.directory.preview import preview_person
from shared.directory.zoho_user import ZohoField
from shared.settings import Settings

SCHEMA = ROOT / "docs/mapping.schema.json"
_USER = TypeAdapter[dict[str, JsonValue]](dict[str, JsonValue])


class _BadFile(Exception):
    """A file that holds something else than it should."""

    def __init__(self, file: Path, what: str, reason: str) -> None:
        super().__init__(f"{file} is {what}: {reason}")


def add_mapping_commands(parser: argparse.ArgumentParser) -> None:
    """What stands behind ``mapping`` on the command line."""
    commands = parser.add_subparsers(dest="mapping_command", required=True)
    check = commands.add_parser("check", help="say whether a mapping file is valid, and show what it gives one person")
    check.add_argument("file", type=Path)
    check.add_argument("--user", type=Path, help="a user as Microsoft Graph answers it, as JSON")
    check.add_argument("--extension", action="append", default=[], type=ZohoField, help="a field the store switched on")
    evaluate = commands.add_parser("eval", help="evaluate an expression for a person")
    evaluate.add_argument("expression")
    evaluate.add_argument("--user", type=Path, required=True, help="a user as Microsoft Graph answers it, as JSON")
    preview = commands.add_parser("preview", help="say how many people of a store a mapping would change, unsaved")
    preview.add_argument("file", type=Path)
    preview.add_argument("--store", required=True, help="its id; the app's own settings say where it is kept")
    commands.add_parser("schema", help="write docs/mapping.schema.json, which editors check mapping files with")
    commands.add_parser("docs", help="write the reference part of docs/mapping.md")


def run_mapping_command(arguments: argparse.Namespace) -> int:
    """Do what was asked; the exit status is 0 where there is nothing to complain of."""
    console = Console()
    try:
        match arguments.mapping_command:
            case "check":
                return _check(console, arguments.file, arguments.user, arguments.extension)
            case "eval":
                return _eval(console, arguments.expression, arguments.user)
            case "preview":
                return _preview(console, arguments.file, arguments.store)
            case "schema":
                SCHEMA.write_text(schema())
                console.print(f"Written: {SCHEMA}")
            case _:
                console.print(f"Written: {write_page()}")
    except OSError as error:
        print(f"{error.filename}: {error.strerror}", file=sys.stderr)
        return 1
    except (_BadFile, InvalidMapping) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def schema() -> str:
    """The JSON Schema of a mapping file."""
    return json.dumps(Mapping.model_json_schema(), indent=2) + "\n"


def _check(console: Console, file: Path, user: Path | None, extensions: list[ZohoField]) -> int:
    try:
        mapping = read_mapping(file.read_bytes())
    except InvalidMapping as error:
        raise _BadFile(file, "no mapping", str(error)) from None
    for warning in check_mapping(mapping, extensions):
        console.print(Text("warning ", "yellow"), Text(str(warning)))
    console.print(f"The mapping is valid: {len(mapping.rules)} rules.")
    if user is None:
        return 0
    lines = preview_person(CompiledMapping(mapping), _person(user), None, _context())
    table = Table("Zoho One field", "value", "rule")
    for line in lines:
        value = Text(line.error or line.value or "", "red" if line.error else "")
        table.add_row(line.field, value, Text(line.rule))
    console.print(table)
    return 1 if any(line.error for line in lines) else 0


def _preview(console: Console, file: Path, store_id: str) -> int:
    bridge = Bridge(Settings())  # pydantic-settings reads the environment
    store = bridge.stores.get(store_id)
    if store is None:
        print(f"there is no directory store {store_id}", file=sys.stderr)
        return 1
    mapping = read_mapping(file.read_bytes())
    check_mapping(mapping, store.zoho.extensions)
    preview = bridge.mapping_preview.change(store, mapping)
    console.print(f"{preview.changed} of {preview.people} people would change.")
    for field, people in preview.by_field.most_common():
        console.print(f"{field}: {people}")
    for field, people in preview.failures.most_common():
        console.print(f"[red]{field} fails for {people}[/]")
    return 1 if preview.failures else 0


def _eval(console: Console, text: str, user: Path) -> int:
    try:
        expression = compile_expression(text)
    except ExpressionError as error:
        print(f"{text}\n{' ' * error.position}^ {error.reason}", file=sys.stderr)
        return 1
    slips = list(misspelt_names(expression, text))
    for position, reason in slips:
        print(f"{text}\n{' ' * position}^ {reason}", file=sys.stderr)
    if slips:
        return 1
    for warning in expression.warnings:
        console.print(Text("warning ", "yellow"), Text(f"character {warning.position + 1}: {warning.text}"))
    try:
        value = expression_reader(expression)(_person(user), _context())
    except EvaluationError as error:
        print(error, file=sys.stderr)
        return 1
    console.print(Text(shown(value)))
    return 0


def _person(file: Path) -> AzureUser:
    try:
        return from_graph(_USER.validate_json(file.read_bytes()))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        reason = f"{place}: {first['msg']}" if place else first["msg"]
        raise _BadFile(file, "no user as Microsoft Graph answers it", reason) from None


def _context() -> EvaluationContext:
    """Of a preview: no name is taken, and random values are only for show."""
    return EvaluationContext(datetime.now(UTC), random.Random(), lambda _: False)  # noqa: S311 - for show
