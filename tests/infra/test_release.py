"""A release: the template puts its own package into the app, and the form asks for what the template needs."""

import json
import re
from urllib.parse import unquote

import yaml

from local.processes import ROOT
from tools.infra.evaluated import BICEP
from tools.infra.release import FORM, button, notes, released

TEXT = (ROOT / ".github/workflows/release.yml").read_text()
PARAMETERS = re.findall(r"^param (\w+) [^=\n]+?( =.*)?$", (BICEP / "main.bicep").read_text(), re.MULTILINE)


def test_the_template_of_a_release_has_the_releases_package() -> None:
    template = json.loads(released('{"parameters": {"packageUrl": {"defaultValue": ""}}}', "contoso/bridge", "v1.2.0"))
    address = template["parameters"]["packageUrl"]["defaultValue"]
    assert address == "https://github.com/contoso/bridge/releases/download/v1.2.0/entra-zoho-one-bridge.zip"
    assert "dist/entra-zoho-one-bridge.zip" in TEXT


def test_the_button_leads_to_the_template_and_the_form_of_that_release() -> None:
    address = button("contoso/bridge", "v1")
    found = re.fullmatch(r"https://portal\.azure\.com/#view/.+/uri/(.+)/uiFormDefinitionUri/(.+)", address)
    assert found is not None
    base = "https://raw.githubusercontent.com/contoso/bridge/portal/v1"
    assert [unquote(part) for part in found.groups()] == [f"{base}/main.json", f"{base}/createUiDefinition.json"]
    assert 'portal/$GITHUB_REF_NAME"' in TEXT
    assert address in notes("contoso/bridge", "v1")


def test_the_scripts_that_the_notes_name_are_there() -> None:
    for script, option in re.findall(r"(infra/scripts/[\w-]+\.sh) (--\w+)", notes("contoso/bridge", "v1")):
        assert option in (ROOT / script).read_text().split("source ")[0]


def test_the_form_gives_the_template_what_it_needs_and_nothing_it_does_not_know() -> None:
    view = json.loads(FORM.read_text())["view"]
    given = set(view["outputs"]["parameters"])
    assert {name for name, default in PARAMETERS if not default} <= given <= {name for name, _ in PARAMETERS}
    assert view["outputs"]["kind"] == "Subscription"
    steps = {step["name"]: {element["name"] for element in step["elements"]} for step in view["properties"]["steps"]}
    for step, element in re.findall(r"steps\('(\w+)'\)\.(\w+)", json.dumps(view)):
        assert element in steps[step]


def test_the_form_offers_the_regions_that_the_template_takes() -> None:
    regions = json.loads((BICEP / "regions.json").read_text())
    (basics, _) = json.loads(FORM.read_text())["view"]["properties"]["steps"]
    offered = basics["elements"][0]["location"]["allowedValues"]
    assert offered == sorted(regions["withZones"] + regions["withoutZones"])


def test_a_release_is_tested_attested_and_says_what_it_is_made_of() -> None:
    steps = yaml.safe_load(TEXT)["jobs"]["release"]["steps"]
    commands = [step.get("run", "") for step in steps]
    assert {"make test", "make check-infra", "make package"} <= set(commands)
    used = {step.get("uses", "").partition("@")[0] for step in steps}
    assert {"actions/attest-build-provenance", "actions/attest-sbom"} <= used
    attached = commands[-1]
    for name in ("entra-zoho-one-bridge.zip", "entra-zoho-one-bridge.cdx.json", "main.json", "createUiDefinition.json"):
        assert f"dist/{name}" in attached


def test_the_nightly_deployment_is_asked_for_and_taken_down() -> None:
    nightly = yaml.safe_load((ROOT / ".github/workflows/nightly.yml").read_text())["jobs"]["deploy"]
    assert nightly["if"] == "vars.NIGHTLY_DEPLOYMENT == 'true'"
    commands = {step.get("run", ""): step.get("if") for step in nightly["steps"]}
    assert commands["azd down --force --no-prompt"] == "always()"
    assert "infra/scripts/verify.sh --logs" in commands
    assert "secrets." not in (ROOT / ".github/workflows/nightly.yml").read_text()
