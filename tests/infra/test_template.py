"""The template as it is evaluated: what Flex Consumption and Azure's rules of names take, and the samples' choices."""

import json
import re

import pytest

from local.processes import ROOT
from shared.settings import Settings
from tools.infra.evaluated import BICEP, FINGERPRINT, SAMPLES, evaluated, fingerprint

FLEX = json.loads((ROOT / "infra/checks/flex.json").read_text())
BRIDGE_SETTING = re.compile(r"BRIDGE_[A-Z_]+")
TEXT = (BICEP / "main.bicep").read_text()


def test_the_snapshots_are_of_this_template() -> None:
    """`make check-infra` compares what they hold; this needs no compiler."""
    assert FINGERPRINT.read_text().strip() == fingerprint(), "run: .venv/bin/python -m tools.infra.evaluated"


@pytest.mark.parametrize("sample", SAMPLES)
def test_flex_consumption_takes_what_the_app_is_given(sample: str) -> None:
    """The resource provider refuses everything else, and neither the compiler nor what-if knows."""
    template = evaluated(sample)
    site = template.one("Microsoft.Web/sites")["properties"]
    assert set(site["siteConfig"]) <= set(FLEX["siteConfig"])
    assert {name for name in template.settings() if not BRIDGE_SETTING.fullmatch(name)} <= set(FLEX["settings"])
    scale = site["functionAppConfig"]["scaleAndConcurrency"]
    assert scale["instanceMemoryMB"] in FLEX["instanceMemoryMB"]
    assert template.one("Microsoft.Web/serverfarms")["sku"]["name"] == "FC1"


@pytest.mark.parametrize("sample", SAMPLES)
def test_an_instance_takes_as_many_requests_as_were_measured(sample: str) -> None:
    """Without the setting it would be one for a Python app; more than the worker has threads would wait in it."""
    template = evaluated(sample)
    scale = template.one("Microsoft.Web/sites")["properties"]["functionAppConfig"]["scaleAndConcurrency"]
    threads = int(template.settings()["PYTHON_THREADPOOL_THREAD_COUNT"])
    assert 1 < scale["triggers"]["http"]["perInstanceConcurrency"] <= threads
    assert "min(httpConcurrency, workerThreads)" in TEXT
    assert scale["maximumInstanceCount"] <= 10, "each instance calls Zoho One as often as a store allows"


@pytest.mark.parametrize("sample", SAMPLES)
def test_azure_takes_the_names(sample: str) -> None:
    assert list(evaluated(sample).misnamed()) == []


def test_the_regions_are_those_of_the_list() -> None:
    listed = json.loads((BICEP / "regions.json").read_text())
    allowed = re.search(r"@allowed\(\[\n((?:  '\w+'\n)+)\]\)\n@metadata\(\{\n  azd: \{\n    type: 'location'", TEXT)
    assert allowed is not None
    assert re.findall(r"'(\w+)'", allowed[1]) == sorted(listed["withZones"] + listed["withoutZones"])
    assert not set(listed["withZones"]) & set(listed["withoutZones"])


def test_redundancy_is_what_the_region_has() -> None:
    assert evaluated("main").one("Microsoft.Storage/storageAccounts")["sku"]["name"] == "Standard_ZRS"


def test_every_parameter_has_a_description_and_bounds() -> None:
    """A bool needs no bounds, and tags are the organisation's own."""
    for decorators, name, kind in re.findall(r"\n\n((?:@|//|[^\n]+\n)+?)param (\w+) ([\w\[\]]+)", TEXT):
        assert "@description('" in decorators, name
        if kind not in ("bool", "Tags"):
            assert re.search(r"@allowed|@maxLength|@maxValue", decorators), name


def test_nothing_is_made_up_at_deployment() -> None:
    """So deploying twice changes nothing."""
    for file in BICEP.rglob("*.bicep"):
        assert not re.search(r"\b(utcNow|newGuid|deployment)\(", file.read_text()), file


def test_sign_in_is_asked_of_the_app_and_not_of_the_platform() -> None:
    template = evaluated("main")
    kinds = {resource["name"].rpartition("/")[2] for resource in template.of("Microsoft.Web/sites/config")}
    assert kinds == {"appsettings"}, "authsettingsV2 would stand before Entra's requests too"
    settings = template.settings()
    assert settings["BRIDGE_SIGN_IN_TENANT_ID"] == "00000000-0000-4000-8000-00000000000a"
    assert settings["BRIDGE_SIGN_IN_CLIENT_ID"] == "00000000-0000-4000-8000-000000000001"
    assert settings["BRIDGE_SIGN_IN_IDENTITY_CLIENT_ID"].endswith("id-zoho-bridge-prod', '2024-11-30').clientId]")


def test_the_apps_address_is_said_and_not_taken_from_a_request() -> None:
    template = evaluated("main")
    address = template.settings()["BRIDGE_PUBLIC_URL"]
    assert "defaultHostName" in address
    inner = address.removeprefix("[").removesuffix("]")
    for output, path in {
        "SYNC_ENDPOINT": "/scim/",
        "ZOHO_CALLBACK_URL": "/oauth/callback",
        "CONSOLE_URL": "/console",
        "SIGN_IN_CALLBACK_URL": "/console/sign-in/callback",
    }.items():
        assert template.outputs[output] == f"[format('{{0}}{path}', {inner})]"


def test_a_private_network_reaches_graph_and_zoho_one() -> None:
    subnets = {
        subnet["name"].rpartition("/")[2]: subnet["properties"]
        for subnet in evaluated("private").of("Microsoft.Network/virtualNetworks/subnets")
    }
    assert "natGateway" in subnets["app"], "the sample asks for one address"
    assert subnets["app"]["defaultOutboundAccess"] is False
    assert "defaultOutboundAccess: !outboundAddress" in (BICEP / "modules/network.bicep").read_text()


def test_the_samples_settings_are_read() -> None:
    """The private sample's mail settings are the app's own."""
    known = {str(field.validation_alias) for field in Settings.model_fields.values()}
    assert {
        name for name in evaluated("private").settings() if name.startswith(("BRIDGE_MAIL", "BRIDGE_SMTP"))
    } <= known
