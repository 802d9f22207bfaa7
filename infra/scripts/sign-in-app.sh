#!/usr/bin/env bash
# Creates the app registration for administrators' sign-in to the console, with its two roles: one for each deployment.
#
#   sign-in-app.sh [--name NAME] [--redirect-uri URI] [--identity PRINCIPAL_ID] [--owner USER] [--dry-run]
#
# Run it before the template, which needs the client id that this script prints. Run it again afterwards with the template's
# outputs: --redirect-uri (SIGN_IN_CALLBACK_URL) is where Entra sends the browser back to, and --identity
# (IDENTITY_PRINCIPAL_ID) lets the app authenticate with its managed identity, so that there is no client secret.
# --owner gives somebody, an object id or a name such as anna@contoso.com, the role Organization.Owner. An app registration
# in SIGN_IN_CLIENT_ID is used whatever its name is.
#
# Needs: Application Administrator or Cloud Application Administrator in Entra.
source "$(dirname "$0")/common.sh"
begin "$0" "$@"
in_cloud

name=$(option --name "$@")
name=${name:-Zoho One bridge}
redirect_uri=$(option --redirect-uri "$@")
identity=$(option --identity "$@")
owner=$(option --owner "$@")

TAG=entra-zoho-one-bridge # tells our app registrations from others of the same name
OWNER_ROLE=6f3c9a52-0f7e-4c5b-9a55-3f6d7b0f9a01
ADMIN_ROLE=6f3c9a52-0f7e-4c5b-9a55-3f6d7b0f9a02
GRAPH_APP=00000003-0000-0000-c000-000000000000 # Microsoft Graph, in every tenant
SCOPES='openid profile email offline_access'   # of a sign-in; the bridge reads nothing of the tenant as the administrator

roles="[
  {\"id\": \"$OWNER_ROLE\", \"value\": \"Organization.Owner\", \"displayName\": \"Organization Owner\",
   \"description\": \"May do everything in the bridge\", \"allowedMemberTypes\": [\"User\"], \"isEnabled\": true},
  {\"id\": \"$ADMIN_ROLE\", \"value\": \"Organization.Admin\", \"displayName\": \"Organization Admin\",
   \"description\": \"May configure directory stores\", \"allowedMemberTypes\": [\"User\"], \"isEnabled\": true}
]"
# https://learn.microsoft.com/graph/permissions-reference
access="[{\"resourceAppId\": \"$GRAPH_APP\", \"resourceAccess\": [
  {\"id\": \"37f7f235-527c-4136-accd-4a02d197296e\", \"type\": \"Scope\"},
  {\"id\": \"14dad69e-099b-42c9-810b-d002981feec1\", \"type\": \"Scope\"},
  {\"id\": \"64a6cdd6-aab1-4aaf-94b8-3cc8405e90d0\", \"type\": \"Scope\"},
  {\"id\": \"7427e0e9-2fba-42fe-b0c0-848c9e6a8182\", \"type\": \"Scope\"}
]}]"

step "The app registration $name, for accounts of this tenant only"
object_id=''
if [[ -n ${SIGN_IN_CLIENT_ID:-} ]]; then
  object_id=$(patiently az ad app list --filter "appId eq '$SIGN_IN_CLIENT_ID'" --query '[].id' --output tsv)
fi
if [[ -z $object_id ]]; then
  same_name="displayName eq '${name//\'/\'\'}'"
  found=$(patiently az ad app list --filter "$same_name" --query "[?contains(tags || \`[]\`, '$TAG')].id" --output tsv)
  object_id=$(only_one "app registration $name" "$found")
  others=$(patiently az ad app list --filter "$same_name" --query '[].id' --output tsv)
  [[ -n $object_id || -z $others ]] || fail "there is another app registration called $name: give this one a name by --name"
fi
if [[ -n $object_id ]]; then
  done_already "$object_id"
else
  object_id=$(graph POST /applications "{\"displayName\": \"$name\", \"signInAudience\": \"AzureADMyOrg\",
    \"tags\": [\"$TAG\"], \"appRoles\": $roles, \"requiredResourceAccess\": $access}" id)
fi
object_id=$(or_placeholder "$object_id" 'object id of the app registration')

step 'Its roles: Organization.Owner may do everything, Organization.Admin all but deleting a store and naming admins'
there='' client_id='' redirects=''
if [[ $object_id != \<* ]]; then
  there=$(graph GET "/applications/$object_id" '' 'appRoles[].id')
  client_id=$(graph GET "/applications/$object_id" '' appId)
  redirects=$(graph GET "/applications/$object_id" '' 'web.redirectUris')
fi
if [[ $there == *"$OWNER_ROLE"* && $there == *"$ADMIN_ROLE"* ]]; then
  done_already 'both'
else
  graph PATCH "/applications/$object_id" "{\"appRoles\": $roles, \"requiredResourceAccess\": $access}" >/dev/null
fi
client_id=$(or_placeholder "$client_id" 'client id')

step 'Its service principal; only people with a role may sign in'
principal_id=$(service_principal "$client_id")
graph PATCH "/servicePrincipals/$principal_id" '{"appRoleAssignmentRequired": true}' >/dev/null

# If a role is required, users cannot consent for themselves, so an administrator consents for all:
# https://learn.microsoft.com/entra/identity-platform/howto-restrict-your-app-to-a-set-of-users
step "Everybody's consent to being signed in: $SCOPES"
consent='' graph_id='<object id of Microsoft Graph>'
if [[ $principal_id != \<* ]]; then
  graph_id=$(patiently az ad sp show --id "$GRAPH_APP" --query id --output tsv)
  consent=$(graph GET "/servicePrincipals/$principal_id/oauth2PermissionGrants" '' "value[?consentType=='AllPrincipals'].scope")
fi
if [[ $consent == *openid*offline_access* ]]; then
  done_already "$consent"
else
  graph POST /oauth2PermissionGrants "{\"clientId\": \"$principal_id\", \"consentType\": \"AllPrincipals\",
    \"resourceId\": \"$graph_id\", \"scope\": \"$SCOPES\"}" >/dev/null ||
    fail 'no consent could be given: it needs Cloud Application Administrator or Application Administrator'
fi

if [[ -n $redirect_uri ]]; then
  step "Entra sends the browser back to $redirect_uri"
  if [[ $redirects == "$redirect_uri" ]]; then
    done_already "$redirect_uri"
  else
    # It replaces the addresses of former deployments, and disables id tokens without a code.
    graph PATCH "/applications/$object_id" "{\"web\": {\"redirectUris\": [\"$redirect_uri\"],
      \"implicitGrantSettings\": {\"enableIdTokenIssuance\": false, \"enableAccessTokenIssuance\": false}}}" >/dev/null
  fi
fi

if [[ -n $identity ]]; then
  step 'The app proves itself with its managed identity'
  subject=''
  if [[ $object_id != \<* ]]; then
    subject=$(patiently az ad app federated-credential list --id "$object_id" --query "[?name=='managed-identity'].subject" --output tsv)
  fi
  credential="{
    \"name\": \"managed-identity\",
    \"issuer\": \"https://$ISSUER/$TENANT/v2.0\",
    \"subject\": \"$identity\",
    \"audiences\": [\"$EXCHANGE\"]
  }"
  if [[ $subject == "$identity" ]]; then
    done_already "$identity"
  elif [[ -n $subject ]]; then
    change patiently az ad app federated-credential update --id "$object_id" --federated-credential-id managed-identity --parameters "$credential"
  else
    change patiently az ad app federated-credential create --id "$object_id" --parameters "$credential"
  fi
fi

if [[ -n $owner ]]; then
  step "$owner has the role Organization.Owner"
  user_id=$owner
  if [[ ! $owner =~ ^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$ ]]; then
    user_id=$(patiently az ad user show --id "$owner" --query id --output tsv)
  fi
  assigned=''
  if [[ $principal_id != \<* ]]; then
    assigned=$(graph GET "/servicePrincipals/$principal_id/appRoleAssignedTo" '' "value[?appRoleId=='$OWNER_ROLE'].principalId")
  fi
  if [[ $assigned == *"$user_id"* ]]; then
    done_already "$owner"
  else
    graph POST "/servicePrincipals/$principal_id/appRoleAssignedTo" \
      "{\"principalId\": \"$user_id\", \"resourceId\": \"$principal_id\", \"appRoleId\": \"$OWNER_ROLE\"}" >/dev/null
  fi
fi

step 'The client id, for the template: SIGN_IN_CLIENT_ID'
printf '%s\n' "$client_id"
