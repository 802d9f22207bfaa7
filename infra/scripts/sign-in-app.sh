#!/usr/bin/env bash
# The app registration that administrators sign in with, and its two roles.
#
#   sign-in-app.sh [--name NAME] [--redirect-uri URI] [--identity PRINCIPAL_ID] [--owner USER] [--dry-run]
#
# Run it before the template, which wants the client id that this prints. Run it again afterwards with the template's
# outputs: --redirect-uri (SIGN_IN_CALLBACK_URL) lets Entra send the browser back to the app, and --identity
# (IDENTITY_PRINCIPAL_ID) lets the app prove itself with its managed identity, so that there is no client secret.
# --owner gives somebody, such as anna@contoso.com, the role Organization.Owner.
#
# Needs: Application Administrator or Cloud Application Administrator in Entra.
source "$(dirname "$0")/common.sh"
begin "$0" "$@"

name=$(option --name "$@")
name=${name:-Zoho One bridge}
redirect_uri=$(option --redirect-uri "$@")
identity=$(option --identity "$@")
owner=$(option --owner "$@")

OWNER_ROLE=6f3c9a52-0f7e-4c5b-9a55-3f6d7b0f9a01
ADMIN_ROLE=6f3c9a52-0f7e-4c5b-9a55-3f6d7b0f9a02

step "The app registration $name, for accounts of this tenant only"
object_id=$(az ad app list --filter "displayName eq '${name//\'/\'\'}'" --query '[0].id' --output tsv)
if [[ -n $object_id ]]; then
  done_already "$object_id"
else
  object_id=$(created az ad app create --display-name "$name" --sign-in-audience AzureADMyOrg \
    --enable-id-token-issuance true --query id --output tsv)
fi
object_id=$(or_placeholder "$object_id" 'object id of the app registration')

step 'Its roles: Organization.Owner may do everything, Organization.Admin all but deleting a store and naming admins'
roles="[
  {\"id\": \"$OWNER_ROLE\", \"value\": \"Organization.Owner\", \"displayName\": \"Organization Owner\",
   \"description\": \"May do everything in the bridge\", \"allowedMemberTypes\": [\"User\"], \"isEnabled\": true},
  {\"id\": \"$ADMIN_ROLE\", \"value\": \"Organization.Admin\", \"displayName\": \"Organization Admin\",
   \"description\": \"May configure directory stores\", \"allowedMemberTypes\": [\"User\"], \"isEnabled\": true}
]"
there=''
if [[ $object_id != \<* ]]; then
  there=$(graph GET "/applications/$object_id" | grep -cE "$OWNER_ROLE|$ADMIN_ROLE" || true)
fi
if [[ $there == 2 ]]; then
  done_already 'both'
else
  graph PATCH "/applications/$object_id" "{\"appRoles\": $roles}" >/dev/null
fi

client_id=''
if [[ $object_id != \<* ]]; then
  client_id=$(az ad app show --id "$object_id" --query appId --output tsv)
fi
client_id=$(or_placeholder "$client_id" 'client id')

step 'Its service principal; only people with a role may sign in'
principal_id=$(service_principal "$client_id")
graph PATCH "/servicePrincipals/$principal_id" '{"appRoleAssignmentRequired": true}' >/dev/null

if [[ -n $redirect_uri ]]; then
  step "Entra sends the browser back to $redirect_uri"
  change az ad app update --id "$object_id" --web-redirect-uris "$redirect_uri"
fi

if [[ -n $identity ]]; then
  step 'The app proves itself with its managed identity'
  tenant=$(az account show --query tenantId --output tsv)
  subject=''
  if [[ $object_id != \<* ]]; then
    subject=$(az ad app federated-credential list --id "$object_id" --query "[?name=='managed-identity'].subject" --output tsv)
  fi
  credential="{
    \"name\": \"managed-identity\",
    \"issuer\": \"https://login.microsoftonline.com/$tenant/v2.0\",
    \"subject\": \"$identity\",
    \"audiences\": [\"api://AzureADTokenExchange\"]
  }"
  if [[ $subject == "$identity" ]]; then
    done_already "$identity"
  elif [[ -n $subject ]]; then
    change az ad app federated-credential update --id "$object_id" --federated-credential-id managed-identity --parameters "$credential"
  else
    change az ad app federated-credential create --id "$object_id" --parameters "$credential"
  fi
fi

if [[ -n $owner ]]; then
  step "$owner has the role Organization.Owner"
  user_id=$(az ad user show --id "$owner" --query id --output tsv)
  assigned=''
  if [[ $principal_id != \<* ]]; then
    assigned=$(graph GET "/servicePrincipals/$principal_id/appRoleAssignedTo" | grep -c "$user_id" || true)
  fi
  if [[ -n $assigned && $assigned != 0 ]]; then
    done_already "$owner"
  else
    graph POST "/servicePrincipals/$principal_id/appRoleAssignedTo" \
      "{\"principalId\": \"$user_id\", \"resourceId\": \"$principal_id\", \"appRoleId\": \"$OWNER_ROLE\"}" >/dev/null
  fi
fi

step 'The client id, for the template: AUTH_CLIENT_ID'
printf '%s\n' "$client_id"
