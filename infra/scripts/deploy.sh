#!/usr/bin/env bash
# Does the same as `azd up` with the Azure CLI alone: the Cloud Shell in the portal has everything it needs.
#
#   deploy.sh --name ENVIRONMENT --location REGION [--package FILE] [--dry-run]
#
# --package is the ZIP file of a release, or the one that `make package` writes; without it the app is created empty.
# Run it again for an upgrade. All other parameters of the template are in infra/bicep/main.bicepparam.
#
# Needs: Owner of the subscription; Application Administrator and Privileged Role Administrator in Entra.
source "$(dirname "$0")/common.sh"
begin "$0" "$@"

here=$(cd "$(dirname "$0")" && pwd)
name=$(option --name "$@")
[[ -n $name ]] || fail '--name is missing: what this deployment is called, such as prod'
location=$(option --location "$@")
[[ -n $location ]] || fail '--location is missing: a region of infra/bicep/regions.json'
grep -q "\"$location\"" "$here/../bicep/regions.json" || fail "$location is no region of infra/bicep/regions.json"
package=$(option --package "$@")
[[ -z $package || -n $DRY_RUN || -r $package ]] || fail "there is no file $package"
dry=()
if [[ -n $DRY_RUN ]]; then dry=(--dry-run); fi

export AZURE_ENV_NAME=$name AZURE_LOCATION=$location AZURE_SUBSCRIPTION_ID=$SUBSCRIPTION AZURE_TENANT_ID=$TENANT
export DEPLOYED_BY=az
chosen=$("$here/before-provision.sh" ${dry[@]+"${dry[@]}"})
while IFS='=' read -r key value; do
  case $key in
    'export SIGN_IN_CLIENT_ID') export SIGN_IN_CLIENT_ID=$value ;;
    'export ALERT_EMAILS') export ALERT_EMAILS=$value ;;
  esac
done <<<"$chosen"

step "The template, as zoho-bridge-$name in $location"
outputs=$(created az deployment sub create --name "zoho-bridge-$name" --location "$location" \
  --parameters "$here/../bicep/main.bicepparam" --query properties.outputs "${on[@]}")
if [[ -n $DRY_RUN ]]; then exit 0; fi
take_outputs "$outputs"

"$here/after-provision.sh"

if [[ -n $package ]]; then
  step "The package $package"
  change az functionapp deployment source config-zip --src "$package" --name "$FUNCTION_APP_NAME" \
    --resource-group "$AZURE_RESOURCE_GROUP" "${on[@]}"
  "$here/verify.sh"
fi
