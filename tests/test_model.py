"""Nothing that was read from outside is in an error, and so in a log."""

import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

import shared
from local.processes import ROOT
from shared.admin.jobs import JobRequest
from shared.model import HIDDEN, Model
from shared.sync.cycle_note import CycleRequest


def _models() -> Iterator[type[BaseModel]]:
    """Every model that the app defines, settings included."""
    for module in pkgutil.walk_packages(shared.__path__, "shared."):
        for _, kind in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
            if issubclass(kind, BaseModel) and kind.__module__ == module.name:
                yield kind


def test_no_model_repeats_its_input() -> None:
    models = list(_models())
    assert len(models) > 100
    assert [model.__qualname__ for model in models if not model.model_config.get("hide_input_in_errors")] == []


def test_there_is_no_other_way_to_read() -> None:
    """Of what pydantic has, all but these two would show its input."""
    others = {"BaseModel", "RootModel", "create_model", "validate_call"}
    for file in sorted((ROOT / "shared").rglob("*.py")):
        text = file.read_text()
        if file.name != "model.py":
            imports = re.findall(r"^from pydantic import (?:\(([^)]*)\)|(.*))$", text, re.MULTILINE)
            imported = {name.strip() for names in imports for name in ",".join(names).split(",")}
            assert not imported & others, f"{file}: use shared.model.Model"
            assert "pydantic.dataclasses" not in text, f"{file}: use shared.model.Model"
        for made in re.findall(r"TypeAdapter(?:\[.*\])?\((.*)\)", text):
            assert "config=HIDDEN" in made, f"{file}: TypeAdapter({made})"


class _Named(Model):
    model_config = ConfigDict(extra="forbid")

    name: int


@pytest.mark.parametrize(
    "reads",
    [
        _Named.model_validate_json,
        TypeAdapter[_Named | int](_Named | int, config=HIDDEN).validate_json,
        TypeAdapter[dict[str, _Named]](dict[str, _Named], config=HIDDEN).validate_json,
        CycleRequest.model_validate_json,
        JobRequest.model_validate_json,
    ],
)
@pytest.mark.parametrize("said", ['{"name": "sesame"}', '{"a": {"name": "sesame"}}', '"sesame"', "sesame"])
def test_an_error_shows_nothing_of_what_was_read(reads: Any, said: str) -> None:
    with pytest.raises(ValidationError) as refused:
        reads(said)
    assert "sesame" not in str(refused.value)
