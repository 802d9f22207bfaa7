"""What is deployed: the files that publishing takes, put into a folder as it puts them into a package.

`func azure functionapp publish` and `azd deploy` take the project's folder less what .funcignore names, in git's own
notation: https://learn.microsoft.com/azure/azure-functions/functions-core-tools-reference#func-azure-functionapp-publish.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from pathspec import GitIgnoreSpec

from local.processes import ROOT


def deployed_files(root: Path = ROOT) -> list[str]:
    """The paths that are deployed, relative to the project."""
    ignored = GitIgnoreSpec.from_lines((root / ".funcignore").read_text().splitlines())
    return sorted(_walk(root, ignored))


def _walk(root: Path, ignored: GitIgnoreSpec) -> Iterator[str]:
    for folder, folders, files in os.walk(root):
        place = Path(folder).relative_to(root)
        folders[:] = [name for name in folders if not ignored.match_file(f"{place / name}/")]
        for name in files:
            path = str(place / name)
            if name != ".funcignore" and not ignored.match_file(path):
                yield path


def build_package(target: Path, root: Path = ROOT) -> list[str]:
    """Copy what is deployed into an empty folder; the paths that were copied."""
    paths = deployed_files(root)
    for path in paths:
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(root / path, target / path)
    return paths
