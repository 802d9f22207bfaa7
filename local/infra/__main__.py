"""Checks the template, the queries and the package: `make check-infra`. The exit status is 0 where all is well."""

import os
import sys
import tempfile
from pathlib import Path

from rich.console import Console

from local.infra.checks import CheckFailedError, checks

TOOLS = Path(".infra-checks")


def main() -> int:
    """Run every check, whatever becomes of those before it."""
    console, failed = Console(highlight=False), 0
    with tempfile.TemporaryDirectory(prefix="bridge-infra-") as folder:
        for name, check in checks(TOOLS.resolve(), Path(folder)).items():
            try:
                console.print(f"[green]✓[/] {name}: {check()}")
            except CheckFailedError as error:
                failed += 1
                console.print(f"[red]✗[/] {name}")
                console.print(str(error), markup=False, style="dim")
    console.print(f"{failed} of the checks failed" if failed else "all is well")
    return 1 if failed else 0


if __name__ == "__main__":
    os.chdir(Path(__file__).parents[2])
    sys.exit(main())
