#!/usr/bin/env bash
# Creates the identity of .github/workflows/deliver.yml in Azure: an app registration that trusts GitHub's tokens for one
# repository and its environment “production”, so that GitHub stores no secret. It may change this one app and nothing else: Azure has no
# built-in role that deploys code and leaves settings alone.
#
#   pipeline-identity.sh --repository OWNER/NAME --resource-group NAME --app NAME [--dry-run]
#
# --resource-group and --app are the template's outputs AZURE_RESOURCE_GROUP and FUNCTION_APP_NAME. It prints the variables that the repository's environment needs.
#
# Needs: Application Developer in Entra, and User Access Administrator on the resource group.
source "$(dirname "$0")/common.sh"
begin "$0" "$@"

repository=$(option --repository "$@")
[[ $repository == */* ]] || fail '--repository is missing, or not of the form OWNER/NAME'
group=$(option --resource-group "$@")
[[ -n $group ]] || fail '--resource-group is missing: the output AZURE_RESOURCE_GROUP of the template'
app=$(option --app "$@")
[[ -n $app ]] || fail '--app is missing: the output FUNCTION_APP_NAME of the template'
name="Zoho One bridge delivery ($repository)"
WEBSITE_CONTRIBUTOR=de139f84-1756-47ae-9be6-808fbbe84772
READER=acdd72a7-3385-48ef-bd42-f606fba81ae7 # verify.sh looks at roles, references and log lines

step "The app registration $name"
found=$(patiently az ad app list --filter "displayName eq '$name'" --query '[].appId' --output tsv)
client_id=$(only_one "$name" "$found")
if [[ -n $client_id ]]; then
  done_already "$client_id"
else
  client_id=$(created patiently az ad app create --display-name "$name" --sign-in-audience AzureADMyOrg --query appId --output tsv)
fi
client_id=$(or_placeholder "$client_id" 'client id')

step 'Its service principal'
principal_id=$(service_principal "$client_id")

step "It trusts GitHub's tokens for $repository, environment production"
subject="repo:$repository:environment:production"
there=''
if [[ $client_id != \<* ]]; then
  there=$(patiently az ad app federated-credential list --id "$client_id" --query "[?subject=='$subject'].name" --output tsv)
fi
if [[ -n $there ]]; then
  done_already "$subject"
else
  change patiently az ad app federated-credential create --id "$client_id" --parameters "{
    \"name\": \"github-production\",
    \"issuer\": \"https://token.actions.githubusercontent.com\",
    \"subject\": \"$subject\",
    \"audiences\": [\"api://AzureADTokenExchange\"]
  }"
fi

step "It may change the app $app and nothing else, and read $group: Website Contributor and Reader"
resource_group=/subscriptions/$SUBSCRIPTION/resourceGroups/$group
change patiently az role assignment create --assignee-object-id "$principal_id" --assignee-principal-type ServicePrincipal \
  --role "$WEBSITE_CONTRIBUTOR" --scope "$resource_group/providers/Microsoft.Web/sites/$app" "${on[@]}"
change patiently az role assignment create --assignee-object-id "$principal_id" --assignee-principal-type ServicePrincipal \
  --role "$READER" --scope "$resource_group" "${on[@]}"

step 'Variables of the environment “production” in the repository'
printf 'AZURE_CLIENT_ID=%s\nAZURE_TENANT_ID=%s\nAZURE_SUBSCRIPTION_ID=%s\nAZURE_RESOURCE_GROUP=%s\nFUNCTION_APP_NAME=%s\n' \
  "$client_id" "$TENANT" "$SUBSCRIPTION" "$group" "$app"
