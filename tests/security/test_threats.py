"""The table of threats names tests that are there."""

import re

from local.processes import ROOT

PAGE = (ROOT / "docs/security.md").read_text()
TESTS = "".join(file.read_text() for file in (ROOT / "tests").rglob("test_*.py"))


def test_each_defence_has_its_test() -> None:
    table = PAGE.partition("## Threats and countermeasures")[2].partition("## ")[0]
    rows = [line.split("|")[3].strip() for line in table.splitlines() if line.startswith("| ") and "---" not in line][
        1:
    ]
    assert len(rows) > 20
    for row in rows:
        assert row == "–" or "`" in row, row


def test_what_is_named_is_there() -> None:
    named = re.findall(r"`((?:tests/)?[\w/]*test_\w+(?:\.py)?|tests/\w+)`", PAGE)
    assert len(named) > 40
    for name in named:
        if "/" in name:
            assert (ROOT / name).exists(), name
        elif name.endswith(".py"):
            assert (ROOT / "tests/security" / name).exists(), name
        else:
            assert f"def {name}(" in TESTS, name
