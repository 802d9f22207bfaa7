# shellcheck shell=bash
# Functions shared by the scripts in this folder. Each step prints what it does, and is skipped if it is done already.
# With --dry-run nothing is changed: each command that would change something is printed instead.

set -euo pipefail

# Overrides the user's own output format of az: the scripts read JSON, or the format they request.
export AZURE_CORE_OUTPUT=json AZURE_CORE_NO_COLOR=true AZURE_CORE_COLLECT_TELEMETRY=false

DRY_RUN=${DRY_RUN:-}
# Seconds of the first wait for replication in Entra or Azure; each further wait is longer by this number.
PACE=${PACE:-5}
TRIES=8
# Their error messages during replication, and under load.
NOT_YET='Request_ResourceNotFound|ResourceNotFound|does not exist|does not reference a valid|not a valid reference update|Cannot find user or service principal|PrincipalNotFound|TooManyRequests|Too Many Requests|\b429\b|ServiceUnavailable|Service Unavailable|GatewayTimeout|Bad Gateway|\b50[234]\b|timed out|Connection (reset|aborted)'

fail() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

# Prints the current step. On the standard error, so that a script's result can be captured.
step() { printf '\n# %s\n' "$*" >&2; }

done_already() { printf '  done already: %s\n' "$*" >&2; }

# Runs a command that changes something, or prints it. The command's own output is dropped: it may contain a secret,
# and a script's output is its result.
change() { created "$@" >/dev/null; }

# The same for a command that prints the id of what it created.
created() {
  if [[ -n $DRY_RUN ]]; then
    if [[ $1 == patiently ]]; then shift; fi
    printf '  would run:' >&2
    printf ' %q' "$@" >&2
    printf '\n' >&2
  else
    "$@"
  fi
}

# In a dry run, a placeholder for the result of an earlier step.
or_placeholder() {
  if [[ -n $1 ]]; then printf '%s' "$1"; else printf '<%s>' "$2"; fi
}

# The value of an option: option --name "$@"; empty if it is missing.
option() {
  local wanted=$1
  shift
  while (($#)); do
    if [[ $1 == "$wanted" ]]; then
      [[ $# -ge 2 && $2 != --* ]] || fail "$wanted needs a value"
      printf '%s' "$2"
      return
    fi
    shift
  done
}

# Whether an option without a value is given: flag --name "$@".
flag() {
  local wanted=$1 given
  shift
  for given; do [[ $given == "$wanted" ]] && return 0; done
  return 1
}

# The comment at the top of a script is its usage text. Options missing from it are refused.
begin() {
  local script=$1 given
  shift
  if flag --help "$@"; then
    sed -n '2,/^[^#]/{/^#/s/^# \{0,1\}//p;}' "$script"
    exit 0
  fi
  for given; do
    [[ $given != --* ]] || grep -q -- "^#.*$given\b" "$script" || fail "there is no option $given; --help names them"
  done
  if flag --dry-run "$@"; then DRY_RUN=yes; fi
  command -v az >/dev/null || fail 'the Azure CLI is missing: https://learn.microsoft.com/cli/azure/install-azure-cli'
  choose_subscription
}

# azd deploys to the subscription and tenant in its environment; az has a default of its own. Commands for Azure name the
# subscription ("${on[@]}"); commands for Entra use the tenant that az is signed in to, so both have to be the same.
choose_subscription() {
  local tenant target
  tenant=$(az account show --query tenantId --output tsv 2>/dev/null) || fail 'nobody is signed in to the Azure CLI: run az login'
  SUBSCRIPTION=${AZURE_SUBSCRIPTION_ID:-$(az account show --query id --output tsv)}
  target=$(az account show --subscription "$SUBSCRIPTION" --query tenantId --output tsv 2>/dev/null) ||
    fail "the Azure CLI sees no subscription $SUBSCRIPTION, which azd deploys to: run az login --tenant ${AZURE_TENANT_ID:-<its tenant>}"
  [[ $tenant == "$target" ]] ||
    fail "the Azure CLI is signed in to tenant $tenant, and azd deploys to $target: run az account set --subscription $SUBSCRIPTION"
  [[ -z ${AZURE_TENANT_ID:-} || $AZURE_TENANT_ID == "$target" ]] ||
    fail "azd deploys to tenant $AZURE_TENANT_ID, and subscription $SUBSCRIPTION is in $target: azd env set AZURE_TENANT_ID $target"
  # shellcheck disable=SC2034 # the scripts beside this one use both
  TENANT=$target on=(--subscription "$SUBSCRIPTION")
}

# Runs a command, and repeats it while its error says that something does not exist yet or is busy. Replication of new
# objects in Entra takes up to a minute: https://learn.microsoft.com/graph/errors. Any other error is final.
patiently() {
  local attempt said errors status
  errors=$(mktemp)
  for ((attempt = 1; attempt <= TRIES; attempt++)); do
    status=0
    said=$("$@" 2>"$errors") || status=$?
    if ((status == 0)); then
      rm -f "$errors"
      [[ -z $said ]] || printf '%s\n' "$said"
      return 0
    fi
    if ((attempt == TRIES)) || ! grep -qE "$NOT_YET" "$errors"; then break; fi
    printf '  not yet: again in %s s\n' "$((PACE * attempt))" >&2
    sleep "$((PACE * attempt))"
  done
  cat "$errors" >&2
  rm -f "$errors"
  return "$status"
}

# The only line of a look-up's result, or nothing; several lines are refused: only_one WHAT FOUND.
only_one() {
  [[ $2 != *$'\n'* ]] || fail "there are several of: $1. Choose one with --name, or delete those that are not in use"
  printf '%s' "$2"
}

# The cloud that az is signed in to: sets CLOUD, and the addresses that differ, LOGIN, ISSUER, GRAPH, EXCHANGE and PORTAL.
# The hosts are those of shared/rules/clouds.py; az cloud set chooses the cloud.
# shellcheck disable=SC2034 # the scripts beside this one use them
in_cloud() {
  CLOUD=$(az cloud show --query name --output tsv) || return
  case $CLOUD in
    AzureUSGovernment)
      LOGIN=login.microsoftonline.us ISSUER=login.microsoftonline.us GRAPH=graph.microsoft.us
      EXCHANGE=api://AzureADTokenExchangeUSGov PORTAL=entra.microsoft.us
      ;;
    AzureChinaCloud)
      LOGIN=login.chinacloudapi.cn ISSUER=login.partner.microsoftonline.cn GRAPH=microsoftgraph.chinacloudapi.cn
      EXCHANGE=api://AzureADTokenExchangeChina PORTAL=entra.microsoftonline.cn
      ;;
    AzureCloud)
      LOGIN=login.microsoftonline.com ISSUER=login.microsoftonline.com GRAPH=graph.microsoft.com
      EXCHANGE=api://AzureADTokenExchange PORTAL=entra.microsoft.com
      ;;
    *) fail "az is signed in to the cloud $CLOUD, which the bridge does not know: az cloud set --name AzureCloud" ;;
  esac
  # The US Department of Defense has a Graph of its own in the same cloud.
  if [[ ${BRIDGE_CLOUD:-} == AzureUSGovernmentDoD ]]; then GRAPH=dod-graph.microsoft.us; fi
}

# Calls Microsoft Graph as the signed-in administrator: graph METHOD PATH [BODY [QUERY]]. A dry run only reads. With QUERY
# it prints the part of the answer that QUERY selects.
graph() {
  local arguments=(rest --method "$1" --url "https://$GRAPH/v1.0$2" --headers 'Content-Type=application/json')
  if [[ -n ${3:-} ]]; then arguments+=(--body "$3"); fi
  if [[ -n ${4:-} ]]; then arguments+=(--query "$4" --output tsv); fi
  if [[ $1 == GET ]]; then patiently az "${arguments[@]}"; else created patiently az "${arguments[@]}"; fi
}

# The service principal of an app registration, created if it is missing: service_principal CLIENT_ID.
service_principal() {
  local found=''
  if [[ $1 != \<* ]]; then found=$(patiently az ad sp list --filter "appId eq '$1'" --query '[].id' --output tsv) || return; fi
  if [[ -n $found ]]; then
    done_already "$found"
  else
    found=$(created patiently az ad sp create --id "$1" --query id --output tsv) || return
  fi
  or_placeholder "$found" 'object id of the service principal'
}

# Exports the outputs of a deployment, as az prints them, to the environment: take_outputs JSON.
take_outputs() {
  local key value lines
  lines=$(python3 -c 'import json, sys
for key, output in json.load(sys.stdin).items(): print(key, output["value"], sep="\t")' <<<"$1")
  while IFS=$'\t' read -r key value; do export "$key=$value"; done <<<"$lines"
}
