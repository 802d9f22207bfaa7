"""`python -m cli mapping check` and `eval`: what is wrong is told in plain words."""

import json
from pathlib import Path

import pytest

from cli.__main__ import main
from local.processes import ROOT

USER = str(ROOT / "docs/examples/user.json")


def _run(*arguments: str) -> int:
    return main(["mapping", *arguments])


def test_an_expression_with_a_misspelt_name_is_refused_as_check_does(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = "ToUpper([gvenName])"
    assert _run("eval", text, "--user", USER) == 1
    assert capsys.readouterr().err == f"{text}\n        ^ there is no attribute gvenName; did you mean givenName?\n"
    mapping = {"rules": [{"target": "userName", "source": {"kind": "expression", "expression": text}}]}
    file = tmp_path / "mapping.json"
    file.write_text(json.dumps(mapping))
    assert _run("check", str(file)) == 1
    assert "did you mean givenName?" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("[1]", "is not a user from Microsoft Graph: Input should be"),
        ("{", "is not a user from Microsoft Graph: Invalid JSON"),
        ('{"userPrincipalName": 7}', "is not a user from Microsoft Graph: userPrincipalName"),
        (None, "No such file"),
    ],
)
def test_a_user_file_that_is_none_is_named(
    content: str | None, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "user.json"
    if content is not None:
        file.write_text(content)
    assert _run("eval", "[mail]", "--user", str(file)) == 1
    error = capsys.readouterr().err
    assert error.startswith(str(file))
    assert words in error
    assert "validation error" not in error
    assert "dict[" not in error


def test_a_mapping_file_that_is_none_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "mapping.json"
    file.write_text("[1]")
    assert _run("check", str(file)) == 1
    error = capsys.readouterr().err
    assert error.startswith(f"{file} is no mapping: ")
