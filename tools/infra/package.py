"""What is deployed: the files that publishing takes, put into a folder or a ZIP file as it puts them into a package.

`python -m tools.infra.package FILE` writes the ZIP file that `make package` makes: of the same files the same bytes.

`func azure functionapp publish` and `azd deploy` take the project's folder less what .funcignore names, in git's own
notation: https://learn.microsoft.com/azure/azure-functions/functions-core-tools-reference#func-azure-functionapp-publish.
"""

import hashlib
import os
import shutil
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

from pathspec import GitIgnoreSpec

from local.processes import ROOT

LIBRARIES = ".python_packages/lib/site-packages"
"""Where infra/scripts/package.sh puts them, and the Functions worker looks for them."""
NO_TIME = (1980, 1, 1, 0, 0, 0)
"""Of each file in the ZIP file: when it was written is no part of it."""


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


def write_package(file: Path, root: Path = ROOT) -> str:
    """Write the ZIP file; its SHA-256. Raises FileNotFoundError where the libraries have not been put there."""
    if not (root / LIBRARIES).is_dir():
        raise FileNotFoundError(f"{LIBRARIES} is missing: run infra/scripts/package.sh")
    file.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as package:
        for path in deployed_files(root):
            entry = zipfile.ZipInfo(path, NO_TIME)
            entry.external_attr = 0o100644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            package.writestr(entry, (root / path).read_bytes())
    return hashlib.sha256(file.read_bytes()).hexdigest()


if __name__ == "__main__":
    digest = write_package(Path(sys.argv[1]))
    print(f"{digest}  {sys.argv[1]}")
