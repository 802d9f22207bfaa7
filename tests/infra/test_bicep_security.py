"""What the template promises of security, read from its parsed tree, property by property as Azure reads them."""

import re
from typing import Any

import pytest
from pydantic import SecretStr

from local.processes import ROOT
from shared.settings import Platform, Settings
from shared.tables.service import TABLES
from tests.infra.bicep import FILES, bicep, roles

ROLES = {
    # https://learn.microsoft.com/azure/role-based-access-control/built-in-roles
    "Key Vault Secrets User": "4633458b-17de-408a-b874-0445c86b69e6",
    "Monitoring Metrics Publisher": "3913510d-42f4-4e42-8a64-420c390055eb",
    "Storage Blob Data Owner": "b7e6dc6d-f1e8-4753-8033-0f276bb0955b",
    "Storage Queue Data Contributor": "974c5e8b-45b9-4653-ba55-5f855dd0fb88",
    "Storage Table Data Contributor": "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3",
}
ONE_MACHINE = {
    "AzureWebJobsStorage",
    "BRIDGE_ACCOUNTS_SERVERS",
    "BRIDGE_ENTRA_CERTIFICATE",
    "BRIDGE_LOCAL_ADMIN",
    "BRIDGE_MAIL_FOLDER",
}
"""What is set on one machine only."""
GONE_ON_FLEX = {
    # https://learn.microsoft.com/azure/azure-functions/functions-app-settings#flex-consumption-plan-deprecations
    "ENABLE_ORYX_BUILD",
    "FUNCTIONS_EXTENSION_VERSION",
    "FUNCTIONS_WORKER_PROCESS_COUNT",
    "FUNCTIONS_WORKER_RUNTIME",
    "FUNCTIONS_WORKER_RUNTIME_VERSION",
    "SCM_DO_BUILD_DURING_DEPLOYMENT",
    "WEBSITE_CONTENTAZUREFILECONNECTIONSTRING",
    "WEBSITE_CONTENTSHARE",
    "WEBSITE_RUN_FROM_PACKAGE",
    "WEBSITE_VNET_ROUTE_ALL",
}


def _choice(value: Any) -> tuple[str, Any, Any]:
    operands = value["operator"]["operands"]
    return operands["condition"], operands["true_value"], operands["false_value"]


def _settings() -> dict[str, Any]:
    """The app settings that the template can set, with their values."""
    found: dict[str, Any] = {}

    def look(value: Any) -> None:
        for name, inner in value.items() if isinstance(value, dict) else ():
            if re.fullmatch(r"[A-Z][A-Za-z]+_\w+", name):
                found[name] = inner
            else:
                look(inner)

    look(bicep("modules/function-app").tree["variables"])
    return found


def test_no_key_opens_the_storage_account() -> None:
    storage = bicep("modules/storage")
    account = storage.resource("account")
    assert account["allowSharedKeyAccess"] is False
    assert account["allowBlobPublicAccess"] is False
    assert account["allowCrossTenantReplication"] is False
    assert account["supportsHttpsTrafficOnly"] is True
    assert account["minimumTlsVersion"] == "TLS1_2"
    assert account["encryption"]["requireInfrastructureEncryption"] is True
    assert storage.resource("deploymentContainer")["publicAccess"] == "None"
    for file in FILES:
        assert not re.search(r"listKeys|AccountKey|SharedAccessSignature|listSecrets", file.read_text()), file


def test_the_key_vault_keeps_what_was_deleted_and_asks_for_roles() -> None:
    vault = bicep("modules/key-vault").resource("vault")
    assert vault["enableRbacAuthorization"] is True
    assert vault["enableSoftDelete"] is True
    assert vault["enablePurgeProtection"] is True
    assert vault["enabledForTemplateDeployment"] is False
    assert "accessPolicies" not in vault


@pytest.mark.parametrize(("module", "resource"), [("modules/storage", "account"), ("modules/key-vault", "vault")])
def test_a_private_network_shuts_out_all_others(module: str, resource: str) -> None:
    properties = bicep(module).resource(resource)
    assert _choice(properties["publicNetworkAccess"]) == ("isPrivate", "Disabled", "Enabled")
    assert properties["networkAcls"]["bypass"] == "None"
    assert _choice(properties["networkAcls"]["defaultAction"]) == ("isPrivate", "Deny", "Allow")


def test_the_app_is_its_identity_and_speaks_tls() -> None:
    module = bicep("modules/function-app")
    app, config = module.resource("app"), module.tree["resources"]["app"]["config"]
    assert config["identity"] == {"type": "UserAssigned", "userAssignedIdentities": {"'${identityId}'": {}}}
    assert app["httpsOnly"] is True
    assert app["keyVaultReferenceIdentity"] == "identityId"
    assert (app["siteConfig"]["minTlsVersion"], app["siteConfig"]["scmMinTlsVersion"]) == ("1.2", "1.2")
    assert app["siteConfig"]["ftpsState"] == "Disabled"
    deployment = app["functionAppConfig"]["deployment"]["storage"]["authentication"]
    assert deployment == {"type": "UserAssignedIdentity", "userAssignedIdentityResourceId": "identityId"}
    for policy in ("ftpPublishing", "scmPublishing"):
        assert module.resource(policy) == {"allow": False}


def test_the_app_runs_the_python_that_is_tested() -> None:
    runtime = bicep("modules/function-app").resource("app")["functionAppConfig"]["runtime"]
    assert runtime == {"name": "python", "version": (ROOT / ".python-version").read_text().strip()}
    assert bicep("modules/function-app").tree["resources"]["plan"]["config"]["sku"]["name"] == "FC1"


def test_sign_in_lets_entra_and_zoho_through_and_keeps_no_secret() -> None:
    auth = bicep("modules/function-app").resource("authentication")
    assert auth["platform"]["enabled"] is True
    validation = auth["globalValidation"]
    assert (validation["requireAuthentication"], validation["unauthenticatedClientAction"]) == (False, "AllowAnonymous")
    assert validation["excludedPaths"] == ["/scim/*"], "a page that asks who is signed in must not stand there"
    registration = auth["identityProviders"]["azureActiveDirectory"]["registration"]
    assert registration["clientSecretSettingName"] == "OVERRIDE_USE_MI_FIC_ASSERTION_CLIENTID"
    assert _settings()["OVERRIDE_USE_MI_FIC_ASSERTION_CLIENTID"] == "identityClientId"
    assert auth["login"]["tokenStore"]["enabled"] is False
    assert auth["httpSettings"]["requireHttps"] is True


def test_the_template_sets_what_the_code_reads_and_the_other_way_round() -> None:
    read = {str(field.validation_alias) for field in (Settings.model_fields | Platform.model_fields).values()}
    read = {name for name in read if not name.startswith("WEBSITE_")} - ONE_MACHINE
    sets = {name for name in _settings() if name.startswith(("BRIDGE_", "AzureWebJobsStorage__"))}
    # The host reads these of the account too; the code needs the tables alone.
    hosts = {f"AzureWebJobsStorage__{name}" for name in ("accountName", "blobServiceUri", "queueServiceUri")}
    assert sets - hosts == read
    assert not GONE_ON_FLEX & set(_settings())


def test_secrets_are_references_to_the_key_vault() -> None:
    secret = {
        str(field.validation_alias)
        for field in Settings.model_fields.values()
        if SecretStr in (field.annotation, *getattr(field.annotation, "__args__", ()))
    }
    secret -= ONE_MACHINE
    assert len(secret) == 4
    for name in secret:
        assert re.fullmatch(r"@Microsoft\.KeyVault\(SecretUri=\$\{vaultUri\}secrets/[a-z-]+\)", _settings()[name]), name


def test_every_role_stands_in_the_table_with_its_name() -> None:
    assert roles() == ROLES
    for file in FILES:
        text = file.read_text()
        assert not re.search(r"'[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}'", text), "an id belongs into roles.json"
        assert set(re.findall(r"roles\['([^']+)'\]", text)) <= set(ROLES)
    assert set(bicep("modules/storage").tree["variables"]["dataRoles"]["value"]) <= set(ROLES)


def test_roles_are_given_on_one_resource_only() -> None:
    scopes = {
        name: (file.stem, re.search(rf"resource {name} .*?\n  scope: (\w+)\n", file.read_text(), re.DOTALL))
        for file in FILES
        for name in re.findall(r"resource (\w+) 'Microsoft.Authorization/roleAssignments", file.read_text())
    }
    found = {name: (file, scope and scope[1]) for name, (file, scope) in scopes.items()}
    assert found == {"dataRole": ("storage", "account"), "readsSecrets": ("key-vault", "vault")}


def test_the_tables_and_queues_are_there_before_the_app() -> None:
    variables = bicep("modules/storage").tree["variables"]
    assert set(TABLES) == set(variables["tables"]["value"])
    assert variables["queues"]["value"] == ["cycles", "cycles-poison", "errands", "errands-poison"]


def test_what_holds_data_says_who_touched_it() -> None:
    found = set()
    for file in FILES:
        for text in re.findall(
            r"resource \w+ 'Microsoft.Insights/diagnosticSettings@.*?\n}", file.read_text(), re.DOTALL
        ):
            assert "workspaceId: workspaceId" in text
            found |= set(re.findall(r"\n  scope: (\w+)\n", text))
    assert found == {"blobService", "queueService", "tableService", "vault", "app"}


def test_the_outputs_are_what_entra_zoho_and_an_administrator_need() -> None:
    outputs = bicep("main").tree["outputs"]
    assert outputs["SYNC_ENDPOINT"]["value"] == "${functionApp.outputs.url}/scim/"
    assert outputs["ZOHO_CALLBACK_URL"]["value"] == "${functionApp.outputs.url}/oauth/callback"
    assert outputs["CONSOLE_URL"]["value"] == "${functionApp.outputs.url}/console"
    assert outputs["SIGN_IN_CALLBACK_URL"]["value"] == "${functionApp.outputs.url}/.auth/login/aad/callback"
