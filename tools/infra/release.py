"""What a release holds beside its package: `python -m tools.infra.release OWNER/NAME TAG FOLDER`.

The compiled template puts that release's package into the app by itself; the form is what the portal asks before it;
the notes have the button that leads to both.
"""

import json
import shutil
import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote

from local.processes import ROOT
from tools.infra import compiler

FORM = ROOT / "infra/portal/createUiDefinition.json"
PORTAL = "https://portal.azure.com/#view/Microsoft_Azure_CreateUIDef/CustomDeploymentBlade"
IMAGE = "https://aka.ms/deploytoazurebutton"


def main() -> None:
    repository, tag, folder = sys.argv[1], sys.argv[2], Path(sys.argv[3])
    (folder / "main.json").write_text(released(compiler.build(), repository, tag))
    shutil.copyfile(FORM, folder / FORM.name)
    (folder / "notes.md").write_text(notes(repository, tag))


def released(template: str, repository: str, tag: str) -> str:
    """The compiled template, with the release's package as the one that it puts into the app."""
    compiled: dict[str, Any] = json.loads(template)
    address = f"https://github.com/{repository}/releases/download/{tag}/entra-zoho-one-bridge.zip"
    compiled["parameters"]["packageUrl"]["defaultValue"] = address
    return json.dumps(compiled, indent=1) + "\n"


def button(repository: str, tag: str) -> str:
    """The address that opens the portal with the template and its form."""
    files = f"https://raw.githubusercontent.com/{repository}/portal/{tag}"
    template, form = (quote(f"{files}/{name}", safe="") for name in ("main.json", FORM.name))
    return f"{PORTAL}/uri/{template}/uiFormDefinitionUri/{form}"


def notes(repository: str, tag: str) -> str:
    """The text of the release."""
    return f"""[![Deploy to Azure]({IMAGE})]({button(repository, tag)})

In the [Cloud Shell](https://shell.azure.com), before the button and after it:

```
git clone --branch {tag} https://github.com/{repository} bridge && cd bridge
infra/scripts/sign-in-app.sh --name "Zoho One bridge (prod)"
```

```
infra/scripts/after-provision.sh --deployment NAME_OF_THE_DEPLOYMENT
```

docs/deployment.md says what each does, and how to check the package:
`gh attestation verify entra-zoho-one-bridge.zip --repo {repository}`.
"""


if __name__ == "__main__":
    main()
