#!/usr/bin/env bash
# Checks within a minute that a deployed bridge is ready, or names the step that failed. It changes nothing.
#
#   verify.sh [--app NAME --resource-group NAME] [--logs] [--dry-run]
#
# The default app is the template's outputs FUNCTION_APP_NAME and AZURE_RESOURCE_GROUP, as azd exports them. --logs waits up
# to ten minutes for the first log line, which takes a few to arrive; without it a missing line is only reported.
#
# Needs: Reader on the resource group. curl.
source "$(dirname "$0")/common.sh"
begin "$0" "$@"

if [[ -n $DRY_RUN ]]; then
  for what in 'the functions are listed' 'references to the Key Vault are resolved' "the identity's roles are in force" \
    '/health?ready answers' 'the console leads to the sign-in' 'a forged sign-in answer is refused' \
    'SCIM checks bearer tokens itself' 'forged principal headers give no access' 'a log line has arrived'; do
    step "Whether $what"
  done
  exit 0
fi

root=$(cd "$(dirname "$0")/../.." && pwd)
known() {
  if [[ -n ${!1:-} ]]; then printf '%s' "${!1}"; elif command -v azd >/dev/null; then azd env get-value "$1" 2>/dev/null || true; fi
}
app=$(option --app "$@")
app=${app:-$(known FUNCTION_APP_NAME)}
group=$(option --resource-group "$@")
group=${group:-$(known AZURE_RESOURCE_GROUP)}
[[ -n $app && -n $group ]] || fail '--app and --resource-group are missing: the outputs FUNCTION_APP_NAME and AZURE_RESOURCE_GROUP'
LIMIT=${LIMIT:-60} # seconds for all of it
answer=$(mktemp) head=$(mktemp)
trap 'rm -f "$answer" "$head"' EXIT

not_ready() { fail "not ready: $1. $2"; }

# Repeats a check until the minute is over: until_ready STEP HINT COMMAND …. The command sets $why to what is missing.
why=''
until_ready() {
  local what=$1 hint=$2
  shift 2
  step "$what"
  until "$@"; do
    ((SECONDS < LIMIT)) || not_ready "$what: $why" "$hint"
    sleep "$((PACE < 5 ? PACE : 5))"
  done
}

# The status of an address, with its head and body in files; 000 if nothing answers.
get() {
  curl --silent --max-time 15 --path-as-is --output "$answer" --dump-header "$head" --write-out '%{http_code}' "$@" || true
}
location_of() { sed -n 's/^[Ll]ocation: *//p' "$head" | tr -d '\r' | tail -1; }

app_json=$(patiently az functionapp show --name "$app" --resource-group "$group" "${on[@]}" \
  --query '[[id, defaultHostName, values(identity.userAssignedIdentities)[0].principalId]]' --output tsv)
IFS=$'\t' read -r app_id host principal <<<"$app_json"
url=$(known CONSOLE_URL)
url=${url%/console}
if [[ -z $url || -n $(option --app "$@") ]]; then url=https://$host; fi

expected=$(sed -n 's/.*function_name("\([a-z_]*\)").*/\1/p' "$root"/functions/*.py | sort -u)
lists_functions() {
  local listed name
  listed=$(az functionapp function list --name "$app" --resource-group "$group" --query '[].name' --output tsv "${on[@]}") ||
    { why='Azure does not list them' && return 1; }
  why=''
  for name in $expected; do
    [[ $'\n'${listed//"$app/"/}$'\n' == *$'\n'"$name"$'\n'* ]] || why+=" $name"
  done
  [[ -z $why ]] || { why="missing are$why" && return 1; }
}
until_ready 'The functions are listed' \
  'None: the app does not start, AppExceptions says why (docs/operations.md, “No heartbeat for 30 minutes”). Some: its settings are wrong.' \
  lists_functions

resolves_references() {
  why=$(az rest --method get --url "https://management.azure.com$app_id/config/configreferences/appsettings?api-version=2022-03-01" \
    --query "join(', ', value[?properties.status!='Resolved'].name)" --output tsv) || why='Azure does not say'
  [[ -z $why ]]
}
until_ready 'References to the Key Vault are resolved' \
  'The app needs the secret, the role Key Vault Secrets User, and with privateNetwork the endpoint: infra/scripts/encryption-key.sh' \
  resolves_references

needed='Key Vault Secrets User, Monitoring Metrics Publisher, Storage Blob Data Owner, Storage Queue Data Contributor, Storage Table Data Contributor'
has_roles() {
  local given role
  given=$(az role assignment list --assignee "$principal" --all --query '[].roleDefinitionName' --output tsv "${on[@]}") ||
    { why='Azure does not list them' && return 1; }
  why=''
  while read -r role; do
    [[ $'\n'$given$'\n' == *$'\n'"$role"$'\n'* ]] || why+="$role is missing "
  done <<<"${needed//, /$'\n'}"
  [[ -z $why ]]
}
until_ready "The identity's roles are in force" 'The template gives them: azd provision' has_roles

is_healthy() {
  local status
  status=$(get "$url/health?ready")
  why="$status $(head -c 200 "$answer")"
  [[ $status == 200 ]]
}
until_ready '/health?ready answers' 'The answer names what does not: tables, queue, or a setting' is_healthy

leads_to_sign_in() {
  local status to=$url/console hop
  for hop in 1 2 3 4; do
    status=$(get "$to")
    why="$to answered $status in step $hop"
    [[ $status == 30[1237] ]] || return 1
    to=$(location_of)
    [[ $to != /* ]] || to=$url$to
    if [[ $to == https://login.microsoftonline.com/* || $to == https://login.microsoftonline.us/* || $to == https://login.chinacloudapi.cn/* || $to == https://login.partner.microsoftonline.cn/* ]]; then
      why="the sign-in at ${to%%\?*} lacks the callback, the state or the challenge"
      [[ $to == *"client_id="* && $to == *"state="* && $to == *"code_challenge="* && $to == *sign-in%2Fcallback* ]]
      return
    fi
    why="it leads to $to"
    [[ $to == "$url"/* ]] || return 1
  done
  return 1
}
until_ready 'The console leads to the sign-in' 'BRIDGE_SIGN_IN_… are the settings: azd provision' leads_to_sign_in

step 'A forged sign-in answer is refused'
status=$(get "$url/console/sign-in/callback?code=forged&state=forged")
if [[ $status != 4?? ]] || grep -qi '^set-cookie: *__Host-[^=]*=[^;]' "$head"; then
  not_ready "a forged state was answered $status" 'The console must refuse it: do not use this deployment, and report it'
fi

# A text that is not a token, and one that looks like Entra's token for another app, with a forged signature.
jwt=eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.eyJhdWQiOiI4YWRmOGU2ZS02N2IyLTRjZjItYTI1OS1lM2RjNTQ3NmM2MjEiLCJpc3MiOiJodHRwczovL3N0cy53aW5kb3dzLm5ldC8wLyJ9.
step 'SCIM checks bearer tokens itself'
for token in not-a-token "$jwt"; do
  status=$(get --header "Authorization: Bearer $token" "$url/scim/no-such-store/Users")
  if [[ $status != 40[14] ]] || ! grep -q 'urn:ietf:params:scim' "$answer"; then
    not_ready "a bearer token that is ${token:0:11} was answered $status by something else than the bridge" \
      'Nothing may stand before the app: see that App Service Authentication is off'
  fi
done

step 'Forged principal headers give no access'
forged=(--header 'X-MS-CLIENT-PRINCIPAL-ID: 00000000-0000-4000-8000-000000000001' --header 'X-MS-CLIENT-PRINCIPAL-NAME: owner'
  --header 'X-MS-CLIENT-PRINCIPAL-IDP: aad'
  --header 'X-MS-CLIENT-PRINCIPAL: eyJhdXRoX3R5cCI6ImFhZCIsImNsYWltcyI6W3sidHlwIjoicm9sZXMiLCJ2YWwiOiJPcmdhbml6YXRpb24uT3duZXIifV0sInJvbGVfdHlwIjoicm9sZXMifQ==')
for path in /console /console/ /Console /CONSOLE/stores //console /./console /scim/../console /%63onsole /console%2Fstores '/console;x' /console/stores; do
  plain=$(get "$url$path")
  status=$(get "${forged[@]}" "$url$path")
  [[ $status == "$plain" && $status != 2?? ]] ||
    not_ready "$path answered $plain to a stranger and $status to forged headers" 'Do not use this deployment, and report it'
done

step 'A log line has arrived'
arrived() {
  local workspace
  workspace=$(patiently az monitor log-analytics workspace list --resource-group "$group" --query '[0].customerId' --output tsv "${on[@]}")
  az rest --method post --url "https://api.loganalytics.azure.com/v1/workspaces/$workspace/query" \
    --resource https://api.loganalytics.io --headers 'Content-Type=application/json' \
    --body '{"query": "AppTraces | where TimeGenerated > ago(15m) and Message startswith \"heartbeat \" | count"}' \
    --query 'tables[0].rows[0][0]' --output tsv
}
if flag --logs "$@"; then LIMIT=$((SECONDS + ${LOGS_LIMIT:-600})); else LIMIT=0; fi
until count=$(arrived) && [[ ${count:-0} != 0 ]]; do
  if ((SECONDS >= LIMIT)); then
    ! flag --logs "$@" || not_ready 'no heartbeat arrived in ten minutes' 'docs/operations.md, “No heartbeat for 30 minutes”'
    printf 'ready, but no heartbeat has arrived yet: lines take a few minutes, so run this again\n'
    exit 0
  fi
  sleep "$PACE"
done
printf 'ready: %s\n' "$url/console"
