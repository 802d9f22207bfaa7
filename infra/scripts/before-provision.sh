#!/usr/bin/env bash
# Runs in azd before the template: creates the app registration (the template needs its client id), and prepares what a
# region, a former deployment or a private network requires.
#
#   before-provision.sh [--dry-run]
#
# It reads what azd exports: AZURE_ENV_NAME, AZURE_LOCATION, AZURE_SUBSCRIPTION_ID, AZURE_TENANT_ID, PRIVATE_NETWORK. Without azd
# it prints what to export.
source "$(dirname "$0")/common.sh"
begin "$0" "$@"

environment=${AZURE_ENV_NAME:-prod}

keep() {
  if [[ ${DEPLOYED_BY:-azd} == azd ]] && { command -v azd >/dev/null || [[ -n $DRY_RUN ]]; }; then change azd env set "$1" "$2"; else printf 'export %s=%q\n' "$1" "$2"; fi
}

client_id=$("$(dirname "$0")/sign-in-app.sh" --name "Zoho One bridge ($environment)" "$@")
step 'The client id, for the template'
keep SIGN_IN_CLIENT_ID "$client_id"

step 'Recipients of alert mails'
if [[ -n ${ALERT_EMAILS:-} ]]; then
  done_already "$ALERT_EMAILS"
else
  mail=''
  kind=$(az account show --query user.type --output tsv)
  if [[ $kind == user ]]; then mail=$(patiently az ad signed-in-user show --query 'mail || userPrincipalName' --output tsv); fi
  if [[ $mail == *@* && $mail != *#EXT#* ]]; then
    keep ALERT_EMAILS "$mail"
  else
    step 'Nobody, because the user who deploys has no mail address: run azd env set ALERT_EMAILS somebody@example.com, then repeat'
  fi
fi

if [[ ${PRIVATE_NETWORK:-false} == true ]]; then
  step "The resource provider Microsoft.App, which Flex Consumption's virtual network needs"
  state=$(patiently az provider show --namespace Microsoft.App --query registrationState --output tsv "${on[@]}")
  if [[ $state == Registered ]]; then
    done_already "$state"
  else
    change az provider register --namespace Microsoft.App --wait "${on[@]}"
  fi
fi

# A deleted vault reserves its name for softDeleteDays, and nothing can shorten that. It is restored instead, with its
# secrets: a second deployment of one name in one region uses the same vault.
step "Looking for a deleted Key Vault of a former deployment named $environment"
deleted=$(patiently az keyvault list-deleted --resource-type vault "${on[@]}" --output tsv \
  --query "[?properties.tags.product=='entra-zoho-one-bridge' && properties.tags.\"azd-env-name\"=='$environment'].[name, properties.location, properties.vaultId]")
while IFS=$'\t' read -r vault location id; do
  [[ -n $vault && ${AZURE_LOCATION:-$location} == "$location" ]] || continue
  group=${id#*/resourceGroups/}
  group=${group%%/*}
  [[ ${AZURE_RESOURCE_GROUP:-$group} == "$group" ]] || continue
  step "Restoring $vault into $group"
  change az group create --name "$group" --location "$location" "${on[@]}"
  change az keyvault recover --name "$vault" --location "$location" --resource-group "$group" "${on[@]}"
done <<<"$deleted"
