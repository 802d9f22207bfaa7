"""What the template promises of security, read from the evaluated deployments."""

import json
import re
from typing import Any

import pytest
from pydantic import SecretStr

from local.processes import ROOT
from shared.settings import Platform, Settings
from shared.tables.service import TABLES
from tools.infra.evaluated import BICEP, SAMPLES, Evaluated, evaluated

ROLES = {
    # https://learn.microsoft.com/azure/role-based-access-control/built-in-roles
    "Key Vault Secrets User": "4633458b-17de-408a-b874-0445c86b69e6",
    "Monitoring Metrics Publisher": "3913510d-42f4-4e42-8a64-420c390055eb",
    "Storage Blob Data Owner": "b7e6dc6d-f1e8-4753-8033-0f276bb0955b",
    "Storage Queue Data Contributor": "974c5e8b-45b9-4653-ba55-5f855dd0fb88",
    "Storage Table Data Contributor": "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3",
}
SCOPES = {
    "Microsoft.Storage/storageAccounts": {
        "Storage Blob Data Owner",
        "Storage Queue Data Contributor",
        "Storage Table Data Contributor",
    },
    "Microsoft.KeyVault/vaults": {"Key Vault Secrets User"},
    "Microsoft.Insights/components": {"Monitoring Metrics Publisher"},
}
ELSEWHERE = {
    *("AzureWebJobsStorage", "BRIDGE_ACCOUNTS_SERVERS", "BRIDGE_ENTRA_CERTIFICATE", "BRIDGE_LOCAL_ADMIN"),
    "BRIDGE_MAIL_FOLDER",
    # Of hosts without a managed identity, and of other clouds; and for a nearer link on one page.
    *("BRIDGE_SIGN_IN_CLIENT_SECRET", "BRIDGE_SIGN_IN_CERTIFICATE", "BRIDGE_SIGN_IN_AUTHORITY"),
    "BRIDGE_SIGN_IN_ENTERPRISE_APP_ID",
}
"""What is set on other hosts than Azure, or on one machine, only."""
SIGN_IN = {f"BRIDGE_SIGN_IN_{name}" for name in ("TENANT_ID", "CLIENT_ID", "IDENTITY_CLIENT_ID")}
SETTING = re.compile(r"^ +(\w+): (.+)$", re.MULTILINE)
FUNCTION_APP = (BICEP / "modules/function-app.bicep").read_text()


def _settings() -> dict[str, str]:
    """The app settings that the template can set, with their values as they are written there."""
    found = SETTING.findall(FUNCTION_APP)
    return {name: value for name, value in found if name.startswith(("BRIDGE_", "AzureWebJobs"))}


@pytest.fixture(params=SAMPLES)
def template(request: pytest.FixtureRequest) -> Evaluated:
    """Each sample's deployment."""
    return evaluated(request.param)


def test_no_key_opens_the_storage_account(template: Evaluated) -> None:
    account = template.one("Microsoft.Storage/storageAccounts")["properties"]
    assert account["allowSharedKeyAccess"] is False
    assert account["allowBlobPublicAccess"] is False
    assert account["allowCrossTenantReplication"] is False
    assert account["supportsHttpsTrafficOnly"] is True
    assert account["minimumTlsVersion"] == "TLS1_2"
    assert account["encryption"]["requireInfrastructureEncryption"] is True
    containers = template.of("Microsoft.Storage/storageAccounts/blobServices/containers")
    assert [container["properties"]["publicAccess"] for container in containers] == ["None"]
    for file in BICEP.rglob("*.bicep"):
        assert not re.search(r"listKeys|AccountKey|SharedAccessSignature|listSecrets", file.read_text()), file


def test_the_key_vault_keeps_what_was_deleted_and_asks_for_roles(template: Evaluated) -> None:
    vault = template.one("Microsoft.KeyVault/vaults")["properties"]
    assert vault["enableRbacAuthorization"] is True
    assert vault["enableSoftDelete"] is True
    assert vault["enablePurgeProtection"] is True
    assert vault["enabledForTemplateDeployment"] is False
    assert "accessPolicies" not in vault


@pytest.mark.parametrize("kind", ["Microsoft.Storage/storageAccounts", "Microsoft.KeyVault/vaults"])
def test_a_private_network_shuts_out_all_others(kind: str) -> None:
    for sample, access, action in (("main", "Enabled", "Allow"), ("private", "Disabled", "Deny")):
        properties = evaluated(sample).one(kind)["properties"]
        assert properties["publicNetworkAccess"] == access
        assert properties["networkAcls"] == {"bypass": "None", "defaultAction": action}


def test_the_private_network_has_an_endpoint_and_a_name_for_each_part() -> None:
    parts = {
        connection["properties"]["groupIds"][0]
        for endpoint in evaluated("private").of("Microsoft.Network/privateEndpoints")
        for connection in endpoint["properties"]["privateLinkServiceConnections"]
    }
    assert parts == {"blob", "queue", "table", "vault"}
    zones = {zone["name"].split(".")[1] for zone in evaluated("private").of("Microsoft.Network/privateDnsZones")}
    assert zones == {"blob", "queue", "table", "vaultcore"}
    assert evaluated("main").of("Microsoft.Network/privateEndpoints") == []


def test_the_app_is_its_identity_and_speaks_tls(template: Evaluated) -> None:
    app = template.one("Microsoft.Web/sites")
    properties = app["properties"]
    (identity,) = app["identity"]["userAssignedIdentities"]
    assert app["identity"]["type"] == "UserAssigned"
    assert properties["httpsOnly"] is True
    assert properties["keyVaultReferenceIdentity"] == identity
    assert (properties["siteConfig"]["minTlsVersion"], properties["siteConfig"]["scmMinTlsVersion"]) == ("1.2", "1.2")
    deployment = properties["functionAppConfig"]["deployment"]["storage"]["authentication"]
    assert deployment == {"type": "UserAssignedIdentity", "userAssignedIdentityResourceId": identity}
    policies = template.of("Microsoft.Web/sites/basicPublishingCredentialsPolicies")
    assert [policy["properties"] for policy in policies] == [{"allow": False}] * 2, "nobody publishes with a password"


def test_the_app_runs_the_python_that_is_tested(template: Evaluated) -> None:
    runtime = template.one("Microsoft.Web/sites")["properties"]["functionAppConfig"]["runtime"]
    assert runtime == {"name": "python", "version": (ROOT / ".python-version").read_text().strip()}


def test_logs_are_read_by_whoever_may_read_the_app_and_by_no_key(template: Evaluated) -> None:
    workspace = template.one("Microsoft.OperationalInsights/workspaces")["properties"]
    assert workspace["features"]["disableLocalAuth"] is True
    assert workspace["features"]["enableLogAccessUsingOnlyResourcePermissions"] is True
    assert workspace["forceCmkForQuery"] is False
    assert 0 < workspace["workspaceCapping"]["dailyQuotaGb"] <= 10, "a fault that writes without end costs no fortune"
    assert template.one("Microsoft.Insights/components")["properties"]["DisableLocalAuth"] is True


def test_the_template_sets_what_the_code_reads_and_the_other_way_round() -> None:
    read = {str(field.validation_alias) for field in (Settings.model_fields | Platform.model_fields).values()}
    read = {name for name in read if not name.startswith("WEBSITE_")} - ELSEWHERE | SIGN_IN
    # The host reads these of the account too; the code needs the tables alone.
    hosts = {f"AzureWebJobsStorage__{name}" for name in ("accountName", "blobServiceUri", "queueServiceUri")}
    assert set(_settings()) - hosts - {"AzureWebJobsDisableHomepage"} == read


def test_secrets_are_references_to_the_key_vault() -> None:
    secret = {
        str(field.validation_alias)
        for field in Settings.model_fields.values()
        if SecretStr in (field.annotation, *getattr(field.annotation, "__args__", ()))
    }
    secret -= ELSEWHERE
    assert len(secret) == 4
    for name in secret:
        value = _settings()[name]
        assert re.fullmatch(r"'@Microsoft\.KeyVault\(SecretUri=\$\{vaultUri\}secrets/[a-z-]+\)'", value), name


def test_every_role_stands_in_the_table_with_its_name() -> None:
    assert json.loads((BICEP / "roles.json").read_text()) == ROLES
    for file in BICEP.rglob("*.bicep"):
        assert not re.search(r"'[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}'", file.read_text()), (
            "it belongs into roles.json"
        )


def test_roles_are_given_on_one_resource_only(template: Evaluated) -> None:
    given: dict[str, set[str]] = {}
    names = {role: name for name, role in ROLES.items()}
    for assignment in template.of("Microsoft.Authorization/roleAssignments"):
        # An extension's id names what it belongs to first: extensionResourceId('…/providers/<type>/<name>', …)
        kind = "/".join(assignment["id"].split("'")[1].split("/providers/")[-1].split("/")[:2])
        role = assignment["properties"]["roleDefinitionId"].rpartition("/")[2]
        given.setdefault(kind, set()).add(names[role])
    assert given == SCOPES


def test_the_tables_and_queues_are_there_before_the_app(template: Evaluated) -> None:
    def names(kind: str) -> list[Any]:
        return [
            resource["name"].rpartition("/")[2] for resource in template.of(f"Microsoft.Storage/storageAccounts/{kind}")
        ]

    assert sorted(names("tableServices/tables")) == sorted(TABLES)
    assert names("queueServices/queues") == ["cycles", "cycles-poison", "errands", "errands-poison"]


def test_what_holds_data_says_who_deleted_it(template: Evaluated) -> None:
    kept = {
        setting["id"].split("/providers/")[1].split("/", 2)[2]: [
            log["category"] for log in setting["properties"].get("logs", [])
        ]
        for setting in template.of("Microsoft.Insights/diagnosticSettings")
    }
    found = {place.partition("/")[2] or place: categories for place, categories in kept.items()}
    assert sorted(map(tuple, found.values())) == [(), (), ("AuditEvent",), ("StorageDelete",), ("StorageDelete",)]
    assert found["queueServices/default"] == [], "the app looks into its queues every two seconds"
    assert found["blobServices/default"] == found["tableServices/default"] == ["StorageDelete"]
