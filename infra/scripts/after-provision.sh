#!/usr/bin/env bash
# What azd runs after the template, with its outputs in the environment: the encryption key, the app registration's trust
# in the app, and what the app may read of the tenant.
#
#   after-provision.sh [--deployment NAME] [--dry-run]
#
# --deployment takes the outputs from a deployment of the subscription, such as the one that the button of a release makes.
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
# Whoever deploys is the first owner, by object id, because guests have other names than they sign in with; a pipeline, which
# is no user, names nobody.
kind=$(az account show --query user.type --output tsv)
if [[ $kind == user ]]; then
  owner=$(patiently az ad signed-in-user show --query id --output tsv)
  sign_in+=(--owner "$owner")
fi

"$here/encryption-key.sh" --vault "$KEY_VAULT_NAME" --app "$FUNCTION_APP_NAME" --resource-group "$AZURE_RESOURCE_GROUP" ${dry[@]+"${dry[@]}"}
"$here/sign-in-app.sh" "${sign_in[@]}" ${dry[@]+"${dry[@]}"} >/dev/null
"$here/graph-permissions.sh" --identity "$IDENTITY_PRINCIPAL_ID" ${dry[@]+"${dry[@]}"}
