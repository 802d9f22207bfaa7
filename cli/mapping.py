"""`python -m cli mapping …`: work on attribute mappings and expressions without a deployment."""

import argparse
import random
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import JsonValue, TypeAdapter, ValidationError
from rich.table import Table
from rich.text import Text

from cli.terminal import FAILED, FINE, add_store_command, out
from shared.app.container import Bridge
from shared.rules.azure_user import AzureUser, from_graph
from shared.rules.expressions import EvaluationContext, EvaluationError, ExpressionError, compile_expression, shown
from shared.rules.mapping.check import InvalidMapping, check_mapping, read_mapping, unknown_names
from shared.rules.mapping.compiled import CompiledMapping, expression_reader
from shared.rules.mapping.names import CustomNames
from shared.rules.mapping.preview import preview_person
from shared.rules.scim_path import SEVERAL
from shared.rules.store import Store
from shared.rules.zoho_user import ZohoField

_USER = TypeAdapter[dict[str, JsonValue]](dict[str, JsonValue])


class BadFile(Exception):
    """A file with unexpected content."""

    def __init__(self, file: Path, what: str, reason: str) -> None:
        super().__init__(f"{file} is {what}: {reason}")


def add_mapping_command(commands: Any) -> None:
    """Add the command to a parser. ``commands``: the result of argparse's add_subparsers."""
    mapping = commands.add_parser("mapping", help="check mappings and expressions").add_subparsers(required=True)
    check = mapping.add_parser("check", help="check a mapping file, and show its result for one person")
    check.add_argument("file", type=Path)
    check.add_argument("--user", type=Path, help="a user from Microsoft Graph, as JSON")
    check.add_argument("--extension", action="append", default=[], type=ZohoField, help="a field the store switched on")
    check.add_argument("--custom", action="append", default=[], help="a custom attribute of the store")
    check.add_argument("--default-domain", default="", help="the tenant's default domain, for DefaultDomain")
    check.set_defaults(run=_check)
    evaluate = mapping.add_parser("eval", help="evaluate an expression for a person")
    evaluate.add_argument("expression")
    evaluate.add_argument("--user", type=Path, required=True, help="a user from Microsoft Graph, as JSON")
    evaluate.add_argument("--custom", action="append", default=[], help="a custom attribute of the store")
    evaluate.add_argument("--default-domain", default="", help="the tenant's default domain, for DefaultDomain")
    evaluate.set_defaults(run=_eval)
    text = "count the people of a store that a mapping would change, without saving it"
    add_store_command(mapping, "preview", _preview, text).add_argument("file", type=Path)


def _check(arguments: argparse.Namespace) -> int:
    file: Path = arguments.file
    try:
        mapping = read_mapping(file.read_bytes())
    except InvalidMapping as error:
        raise BadFile(file, "no mapping", str(error)) from None
    for warning in check_mapping(mapping, arguments.extension, _names(arguments)):
        out.print(Text("warning ", "yellow"), Text(str(warning)))
    out.print(f"The mapping is valid: {len(mapping.rules)} rules.")
    if arguments.user is None:
        return FINE
    lines = preview_person(CompiledMapping(mapping), _person(arguments.user), None, _context(arguments.default_domain))
    table = Table("Zoho One field", "value", "rule")
    for line in lines:
        value = Text(line.error or line.value or "", "red" if line.error else "")
        table.add_row(line.field, value, Text(line.rule))
    out.print(table)
    return FAILED if any(line.error for line in lines) else FINE


def _preview(bridge: Bridge, store: Store, arguments: argparse.Namespace) -> int:
    mapping = read_mapping(arguments.file.read_bytes())
    check_mapping(mapping, store.zoho.extensions, store.custom_names)
    preview = bridge.mapping_preview.change(store, mapping)
    out.print(f"{preview.changed} of {preview.people} people would change.")
    for field, people in preview.by_field.most_common():
        out.print(f"{field}: {people}")
    for field, people in preview.failures.most_common():
        out.print(f"[red]{field} fails for {people}[/]")
    return FAILED if preview.failures else FINE


def _eval(arguments: argparse.Namespace) -> int:
    text: str = arguments.expression
    try:
        expression = compile_expression(text)
    except ExpressionError as error:
        print(f"{text}\n{' ' * error.position}^ {error.reason}", file=sys.stderr)
        return FAILED
    slips = list(unknown_names(expression, text, _names(arguments)))
    for position, reason in slips:
        print(f"{text}\n{' ' * position}^ {reason}", file=sys.stderr)
    if slips:
        return FAILED
    for warning in expression.warnings:
        out.print(Text("warning ", "yellow"), Text(f"character {warning.position + 1}: {warning.text}"))
    try:
        value = expression_reader(expression)(_person(arguments.user), _context(arguments.default_domain))
    except EvaluationError as error:
        print(error, file=sys.stderr)
        return FAILED
    out.print(Text(shown(value)))
    return FINE


def _names(arguments: argparse.Namespace) -> CustomNames:
    """Return the custom attributes of a store: directory extensions by their names in Graph, and what is listed."""
    return CustomNames(frozenset(name.removesuffix(SEVERAL) for name in arguments.custom))


def _person(file: Path) -> AzureUser:
    try:
        return from_graph(_USER.validate_json(file.read_bytes()))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        reason = f"{place}: {first['msg']}" if place else first["msg"]
        raise BadFile(file, "not a user from Microsoft Graph", reason) from None


def _context(default_domain: str = "") -> EvaluationContext:
    """Return a preview's context: no name is taken, and random values are only samples."""
    sample = random.Random()  # noqa: S311 - a sample
    return EvaluationContext(datetime.now(UTC), sample, lambda _: False, default_domain)
