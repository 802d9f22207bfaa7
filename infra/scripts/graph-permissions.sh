#!/usr/bin/env bash
# Grants the app's managed identity the permissions to read the tenant through Microsoft Graph, for the cycle. A bridge
# that only receives pushes needs none of them.
#
#   graph-permissions.sh --identity PRINCIPAL_ID [--mail] [--dry-run]
#
# --identity is the template's output IDENTITY_PRINCIPAL_ID. --mail adds Mail.Send, for one-time passwords through
# Exchange Online: restrict it to the sender's mailbox afterwards, see docs/security.md.
#
# Needs: Privileged Role Administrator in Entra, because an administrator has to consent to an app's permissions.
source "$(dirname "$0")/common.sh"
begin "$0" "$@"
in_cloud

identity=$(option --identity "$@")
[[ -n $identity ]] || fail '--identity is missing: the output IDENTITY_PRINCIPAL_ID of the template'

GRAPH_APP=00000003-0000-0000-c000-000000000000 # Microsoft Graph, in every tenant
permissions=(
  'User.Read.All: people and what they are called'
  'GroupMember.Read.All: who is in the groups that are assigned'
  'Application.Read.All: who is assigned to the enterprise application'
  'Domain.Read.All: which domains are verified, for one-time passwords'
)
if flag --mail "$@"; then permissions+=('Mail.Send: one-time password mails'); fi

step 'Microsoft Graph in this tenant'
graph_id=$(patiently az ad sp show --id "$GRAPH_APP" --query id --output tsv)
given=$(graph GET "/servicePrincipals/$identity/appRoleAssignments")

for permission in "${permissions[@]}"; do
  name=${permission%%:*}
  step "$permission"
  role_id=$(patiently az ad sp show --id "$GRAPH_APP" --query "appRoles[?value=='$name' && contains(allowedMemberTypes, 'Application')].id" --output tsv)
  [[ -n $role_id ]] || fail "Microsoft Graph knows no application permission $name"
  if [[ $given == *"$role_id"* ]]; then
    done_already "$name"
  else
    graph POST "/servicePrincipals/$identity/appRoleAssignments" \
      "{\"principalId\": \"$identity\", \"resourceId\": \"$graph_id\", \"appRoleId\": \"$role_id\"}" >/dev/null
  fi
done
