# shellcheck shell=bash
# What the scripts beside it share. Each of their steps says what it does, and is skipped where it is done already.
# With --dry-run nothing is changed: each command that would change something is printed instead.

set -euo pipefail

# Whatever the person's own az is configured to print, the scripts read JSON, or what they ask for.
export AZURE_CORE_OUTPUT=json AZURE_CORE_NO_COLOR=true AZURE_CORE_COLLECT_TELEMETRY=false

DRY_RUN=${DRY_RUN:-}
# Seconds of the first wait for what Entra or Azure has not copied everywhere yet; each further wait is that much longer.
PACE=${PACE:-5}
TRIES=8
# What they say meanwhile, and what they say when they are busy.
NOT_YET='Request_ResourceNotFound|ResourceNotFound|does not exist|does not reference a valid|not a valid reference update|Cannot find user or service principal|PrincipalNotFound|TooManyRequests|Too Many Requests|\b429\b|ServiceUnavailable|Service Unavailable|GatewayTimeout|Bad Gateway|\b50[234]\b|timed out|Connection (reset|aborted)'

fail() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

# What is being done, for whoever watches. On the standard error, so that what a script finds can be captured.
step() { printf '\n# %s\n' "$*" >&2; }

done_already() { printf '  done already: %s\n' "$*" >&2; }

# Runs a command that changes something, or prints it. What the command itself says is left out: it may hold a secret,
# and what a script prints is what it found.
change() { created "$@" >/dev/null; }

# The same for a command that prints what it made: an id.
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

# In a dry run, what a later step would have had from an earlier one.
or_placeholder() {
  if [[ -n $1 ]]; then printf '%s' "$1"; else printf '<%s>' "$2"; fi
}

# The value of an option: option --name "$@"; nothing where it is not given.
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

# The usage of a script is the comment at its top. Options that it does not name are refused.
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

# azd says which subscription and which tenant it deploys to; az has a default of its own. What is changed in Azure names the
# subscription ("${on[@]}"); what is changed in Entra goes to the tenant that az is signed in to, so the two have to be one.
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

# Runs a command, again while it says that something is not there yet or too busy. What was just made in Entra is not
# everywhere for up to a minute: https://learn.microsoft.com/graph/errors. Everything else that fails, fails.
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

# The only line of what a look-up found, or nothing; more than one is refused: only_one WHAT FOUND.
only_one() {
  [[ $2 != *$'\n'* ]] || fail "there are several of: $1. Say which by --name, or delete those that are not in use"
  printf '%s' "$2"
}

# Microsoft Graph, by the signed-in administrator: graph METHOD PATH [BODY [QUERY]]. A dry run only reads. With QUERY it
# prints what that takes from the answer.
graph() {
  local arguments=(rest --method "$1" --url "https://graph.microsoft.com/v1.0$2" --headers 'Content-Type=application/json')
  if [[ -n ${3:-} ]]; then arguments+=(--body "$3"); fi
  if [[ -n ${4:-} ]]; then arguments+=(--query "$4" --output tsv); fi
  if [[ $1 == GET ]]; then patiently az "${arguments[@]}"; else created patiently az "${arguments[@]}"; fi
}

# The service principal of an app registration, which is made where it is missing: service_principal CLIENT_ID.
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

# The outputs of a deployment, as az shows them, into the environment: take_outputs JSON.
take_outputs() {
  local key value lines
  lines=$(python3 -c 'import json, sys
for key, output in json.load(sys.stdin).items(): print(key, output["value"], sep="\t")' <<<"$1")
  while IFS=$'\t' read -r key value; do export "$key=$value"; done <<<"$lines"
}
