"""Checks the template, the queries and the package: `make check-infra`. The exit status is 0 where all is well."""

import os
import sys
import tempfile
from pathlib import Path

from rich.console import Console

from tools.infra.checks import CheckFailedError, checks
from tools.infra.compiler import CompileError, NoCompilerError

TOOLS = Path(".infra-checks")


def main() -> int:
    """Run every check, whatever becomes of those before it."""
    console, failed, unseen = Console(highlight=False), 0, 0
    with tempfile.TemporaryDirectory(prefix="bridge-infra-") as folder:
        for name, check in checks(TOOLS.resolve(), Path(folder)).items():
            try:
                console.print(f"[green]✓[/] {name}: {check()}")
            except NoCompilerError as error:
                unseen += 1
                console.print(f"[yellow]–[/] {name}: not looked at, {error}")
            except (CheckFailedError, CompileError) as error:
                failed += 1
                console.print(f"[red]✗[/] {name}")
                console.print(str(error), markup=False, style="dim")
    told = f"{failed} of the checks failed" if failed else "all is well"
    console.print(f"{told}; {unseen} checks need the compiler of the template and did not run" if unseen else told)
    return 1 if failed else 0


if __name__ == "__main__":
    os.chdir(Path(__file__).parents[2])
    sys.exit(main())
