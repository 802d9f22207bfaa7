#!/usr/bin/env bash
# Runs one of the bridge's commands on this machine with the deployed app's tables and keys, as the user signed in to az.
#
#   administer.sh --storage NAME --vault NAME [--dry-run] -- COMMAND …
#
# --storage and --vault are the template's outputs STORAGE_ACCOUNT_NAME and KEY_VAULT_NAME. COMMAND is the arguments
# of python -m cli, such as: backup export contoso contoso.jsonl.gz
#
# Needs: the roles Storage Table Data Contributor on the storage account and Key Vault Secrets User on the vault, and network
# access to both: with privateNetwork, a machine in the virtual network. Python 3.13 with requirements.txt, in .venv or on the path.
source "$(dirname "$0")/common.sh"

options=()
while (($#)) && [[ $1 != -- ]]; do
  options+=("$1")
  shift
done
begin "$0" ${options[@]+"${options[@]}"}
(($# > 1)) || fail 'no command: administer.sh --storage NAME --vault NAME -- runs --store contoso'
shift

storage=$(option --storage "${options[@]}")
[[ -n $storage ]] || fail '--storage is missing: the output STORAGE_ACCOUNT_NAME of the template'
vault=$(option --vault "${options[@]}")
[[ -n $vault ]] || fail '--vault is missing: the output KEY_VAULT_NAME of the template'

root=$(cd "$(dirname "$0")/../.." && pwd)
python=$root/.venv/bin/python
[[ -x $python ]] || python=python3
PYTHONPATH=$root "$python" -P -c 'import cli.__main__' 2>/dev/null ||
  fail "$python lacks the app's packages: python3.13 -m venv .venv && .venv/bin/pip install -r requirements.txt"

step "Where the tables of $storage are"
tables=$(patiently az storage account show --name "$storage" --query primaryEndpoints.table --output tsv "${on[@]}")

step 'The keys, for this command alone'
if [[ -n $DRY_RUN ]]; then
  change az keyvault secret show --vault-name "$vault" --name encryption-keys --query value --output tsv
  keys=''
else
  keys=$(patiently az keyvault secret show --vault-name "$vault" --name encryption-keys --query value --output tsv "${on[@]}")
fi

step "$*"
export AzureWebJobsStorage__tableServiceUri=$tables AzureWebJobsStorage__credential=azurecli BRIDGE_ENCRYPTION_KEYS=$keys
export PYTHONPATH=$root
created "$python" -P -m cli "$@"
