"""The template parses, and uses nothing that is declared nowhere: the parser does not look, and nothing compiles it."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from pycep import BicepParser

from tests.infra.bicep import FILES, FOLDER, Bicep, bicep, read, words_of
from tests.infra.verified_modules import VERIFIED_MODULES

LOCAL = [(file, name) for file in FILES for name, module in read(file).modules().items() if ":" not in module.source]


def _name(file: Path) -> str:
    return str(file.relative_to(FOLDER))


@pytest.mark.parametrize("file", FILES, ids=_name)
def test_every_symbol_is_declared_and_every_declaration_used(file: Path) -> None:
    template = read(file)
    assert template.used - template.declared == set(), "used and declared nowhere"
    given = set(template.tree.get("parameters", {})) | set(template.tree.get("variables", {}))
    assert given - template.used == set(), "declared and used nowhere"


def test_a_symbol_that_is_not_declared_is_found(tmp_path: Path) -> None:
    file = tmp_path / "sample.bicep"
    file.write_text(
        "param name string\nvar list = [for part in [name, lost]: '${part}-${gone}']\n"
        "output a string = name == 'kept' ? list.name : left\noutput b object = {\n  key: right\n}\n"
    )
    assert Bicep(file).used - Bicep(file).declared == {"lost", "gone", "left", "right"}


@pytest.mark.parametrize("file", FILES, ids=_name)
def test_every_parameter_and_output_is_described(file: Path) -> None:
    tree = read(file).tree
    for name, declared in [*tree.get("parameters", {}).items(), *tree.get("outputs", {}).items()]:
        kinds = {decorator["type"]: decorator for decorator in declared["decorators"]}
        assert kinds["description"]["argument"].endswith((".", ")")), name


def test_every_parameter_of_the_template_has_bounds() -> None:
    """A bool needs none, and tags are the organisation's own."""
    for name, declared in bicep("main").tree["parameters"].items():
        kinds = {decorator["type"] for decorator in declared["decorators"]}
        if declared["type"] != "bool" and name != "tags":
            assert kinds & {"allowed", "max_length", "max_value"}, name


@pytest.mark.parametrize(("file", "module"), LOCAL, ids=lambda value: value if isinstance(value, str) else value.stem)
def test_a_module_is_given_what_it_asks_for(file: Path, module: str) -> None:
    caller = read(file)
    called = read((file.parent / caller.modules()[module].source).resolve())
    parameters = called.tree.get("parameters", {})
    needed = {name for name, declared in parameters.items() if declared["default"] is None}
    given = set(caller.modules()[module].params)
    assert needed <= given <= set(parameters)
    outputs = {name.partition(".")[2] for name in caller.properties if name.startswith(f"{module}.")}
    assert outputs <= set(called.tree.get("outputs", {}))


def test_modules_of_others_are_pinned_and_given_what_they_take() -> None:
    for file in FILES:
        caller = read(file)
        for name, module in caller.modules().items():
            if ":" not in module.source:
                continue
            verified = VERIFIED_MODULES[module.source.removeprefix("public:avm/res/")]
            assert set(module.params) <= verified.takes, (file.name, name)
            assert module.params["enableTelemetry"] is False, (file.name, name)
            outputs = {prop.partition(".")[2] for prop in caller.properties if prop.startswith(f"{name}.")}
            assert outputs <= verified.gives, (file.name, name)


def test_nothing_is_made_up_at_deployment() -> None:
    """So deploying twice changes nothing."""
    for file in FILES:
        called = {word.text for word in words_of(file.read_text()) if word.after == "("}
        assert called.isdisjoint({"utcNow", "newGuid", "deployment"}), file


@pytest.mark.parametrize("file", sorted(FOLDER.glob("*.bicepparam")), ids=lambda file: file.name)
def test_the_samples_set_parameters_of_the_template(file: Path) -> None:
    text = file.read_text()
    assert "\nusing 'main.bicep'\n" in text
    parameters: dict[str, Any] = bicep("main").tree["parameters"]
    given = re.findall(r"^param (\w+) = ", text, re.MULTILINE)
    needed = {name for name, declared in parameters.items() if declared["default"] is None}
    assert needed <= set(given) <= set(parameters)
    assert len(given) == len(set(given))
    # The parser knows no parameter files; as variables it reads their values.
    BicepParser().parse(
        text=re.sub(r"^param (\w+) =", r"var \1 =", text.replace("using 'main.bicep'", ""), flags=re.MULTILINE)
    )


def test_what_is_loaded_is_there() -> None:
    for file in FILES:
        for function, path in re.findall(r"load(\w+)Content\('([^']+)'\)", file.read_text()):
            text = (file.parent / path).read_text()
            assert function == "Text" or json.loads(text)
