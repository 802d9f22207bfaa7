# shellcheck shell=bash
# What the scripts beside it share. Each of their steps says what it does, and is skipped where it is done already.
# With --dry-run nothing is changed: each command that would change something is printed instead.

set -euo pipefail

DRY_RUN=${DRY_RUN:-}

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
  az account show --output none 2>/dev/null || fail 'nobody is signed in to the Azure CLI: run az login'
}

# Microsoft Graph, by the signed-in administrator: graph METHOD PATH [BODY]. A dry run only reads.
graph() {
  local arguments=(rest --method "$1" --url "https://graph.microsoft.com/v1.0$2" --headers 'Content-Type=application/json')
  if (($# > 2)); then arguments+=(--body "$3"); fi
  if [[ $1 == GET ]]; then az "${arguments[@]}"; else created az "${arguments[@]}"; fi
}

# The service principal of an app registration, which is made where it is missing: service_principal CLIENT_ID.
service_principal() {
  local found=''
  if [[ $1 != \<* ]]; then found=$(az ad sp list --filter "appId eq '$1'" --query '[0].id' --output tsv); fi
  if [[ -n $found ]]; then
    done_already "$found"
  else
    found=$(created az ad sp create --id "$1" --query id --output tsv)
  fi
  or_placeholder "$found" 'object id of the service principal'
}
