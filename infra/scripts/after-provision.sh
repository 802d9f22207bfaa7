#!/usr/bin/env bash
# Runs in azd after the template, with its outputs in the environment: creates the encryption key, makes the app
# registration trust the app, and grants the app's permissions to read the tenant.
#
#   after-provision.sh [--deployment NAME] [--dry-run]
#
# --deployment takes the outputs from a deployment of the subscription, such as one made by a release's button.
source "$(dirname "$0")/common.sh"
begin "$0" "$@"

here=$(dirname "$0")
dry=()
if [[ -n $DRY_RUN ]]; then dry=(--dry-run); fi
deployment=$(option --deployment "$@")
if [[ -n $deployment ]]; then
  outputs=$(patiently az deployment sub show --name "$deployment" --query properties.outputs "${on[@]}")
  take_outputs "$outputs"
fi
: "${KEY_VAULT_NAME:?is an output of the template: run azd provision}"
: "${FUNCTION_APP_NAME:?is an output of the template: run azd provision}"
: "${AZURE_RESOURCE_GROUP:?is an output of the template: run azd provision}"
: "${SIGN_IN_CALLBACK_URL:?is an output of the template: run azd provision}"
: "${IDENTITY_PRINCIPAL_ID:?is an output of the template: run azd provision}"

sign_in=(--name "Zoho One bridge (${AZURE_ENV_NAME:-prod})" --redirect-uri "$SIGN_IN_CALLBACK_URL" --identity "$IDENTITY_PRINCIPAL_ID")
# The user who deploys is the first owner, by object id, because guests sign in with another name than their user name; a
# pipeline is not a user and names nobody.
kind=$(az account show --query user.type --output tsv)
if [[ $kind == user ]]; then
  owner=$(patiently az ad signed-in-user show --query id --output tsv)
  sign_in+=(--owner "$owner")
fi

"$here/encryption-key.sh" --vault "$KEY_VAULT_NAME" --app "$FUNCTION_APP_NAME" --resource-group "$AZURE_RESOURCE_GROUP" ${dry[@]+"${dry[@]}"}
"$here/sign-in-app.sh" "${sign_in[@]}" ${dry[@]+"${dry[@]}"} >/dev/null
"$here/graph-permissions.sh" --identity "$IDENTITY_PRINCIPAL_ID" ${dry[@]+"${dry[@]}"}
