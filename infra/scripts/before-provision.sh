#!/usr/bin/env bash
# What azd runs before the template: the app registration, whose client id the template wants, and what a region, a former
# deployment or a private network needs.
#
#   before-provision.sh [--dry-run]
#
# It reads what azd exports: AZURE_ENV_NAME, AZURE_LOCATION, AZURE_SUBSCRIPTION_ID, AZURE_TENANT_ID, PRIVATE_NETWORK. Where azd
# is not there, it prints what to export.
source "$(dirname "$0")/common.sh"
begin "$0" "$@"

environment=${AZURE_ENV_NAME:-prod}

keep() {
  if [[ ${DEPLOYED_BY:-azd} == azd ]] && { command -v azd >/dev/null || [[ -n $DRY_RUN ]]; }; then change azd env set "$1" "$2"; else printf 'export %s=%q\n' "$1" "$2"; fi
}

client_id=$("$(dirname "$0")/sign-in-app.sh" --name "Zoho One bridge ($environment)" "$@")
step 'The client id, for the template'
keep SIGN_IN_CLIENT_ID "$client_id"

step 'Whom alerts are mailed to'
if [[ -n ${ALERT_EMAILS:-} ]]; then
  done_already "$ALERT_EMAILS"
else
  mail=''
  kind=$(az account show --query user.type --output tsv)
  if [[ $kind == user ]]; then mail=$(patiently az ad signed-in-user show --query 'mail || userPrincipalName' --output tsv); fi
  if [[ $mail == *@* && $mail != *#EXT#* ]]; then
    keep ALERT_EMAILS "$mail"
  else
    step 'Nobody, because whoever deploys has no mail address: azd env set ALERT_EMAILS somebody@example.com, and again'
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

# A vault that was deleted keeps its name for softDeleteDays, and nothing may shorten that. It comes back instead, with its
# secrets: a second deployment of one name in one region is the same vault.
step "Whether a Key Vault of a former deployment called $environment waits to be deleted"
deleted=$(patiently az keyvault list-deleted --resource-type vault "${on[@]}" --output tsv \
  --query "[?properties.tags.product=='entra-zoho-one-bridge' && properties.tags.\"azd-env-name\"=='$environment'].[name, properties.location, properties.vaultId]")
while IFS=$'\t' read -r vault location id; do
  [[ -n $vault && ${AZURE_LOCATION:-$location} == "$location" ]] || continue
  group=${id#*/resourceGroups/}
  group=${group%%/*}
  [[ ${AZURE_RESOURCE_GROUP:-$group} == "$group" ]] || continue
  step "$vault comes back into $group"
  change az group create --name "$group" --location "$location" "${on[@]}"
  change az keyvault recover --name "$vault" --location "$location" --resource-group "$group" "${on[@]}"
done <<<"$deleted"
