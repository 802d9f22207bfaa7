#!/usr/bin/env bash
# Creates the key that the bridge encrypts stored secrets with, in the Key Vault as encryption-keys.
#
#   encryption-key.sh --vault NAME [--app NAME --resource-group NAME] [--rotate] [--dry-run]
#
# --vault is the template's output KEY_VAULT_NAME. An existing key stays: nothing can be read without it.
# --rotate adds a new key as the first one; docs/operations.md has the following steps. With --app (FUNCTION_APP_NAME) and
# --resource-group (AZURE_RESOURCE_GROUP) the app reads the key at once instead of within a day.
#
# It writes through Azure Resource Manager, so it works with a vault that is closed to the internet too. Only --rotate
# reads the old key, which needs Key Vault Secrets User on the vault, and network access to it.
#
# Needs: Contributor on the resource group. python3 without further packages.
source "$(dirname "$0")/common.sh"
begin "$0" "$@"

vault=$(option --vault "$@")
[[ -n $vault ]] || fail '--vault is missing: the output KEY_VAULT_NAME of the template'
app=$(option --app "$@")
group=$(option --resource-group "$@")
[[ -z $app || -n $group ]] || fail '--app needs --resource-group: the output AZURE_RESOURCE_GROUP of the template'

new_key() {
  step 'A new key in front, by way of a file that nobody else can read'
  if [[ -n $DRY_RUN ]]; then
    change az rest --method put --url "$secret_url" --body '@<file with the new key>'
    return
  fi
  umask 077
  body=$(mktemp)
  trap 'rm -f "$body"' EXIT
  OLD_KEYS=$1 python3 - "$body" <<'PYTHON'
import base64, json, os, sys

keys = [base64.urlsafe_b64encode(os.urandom(32)).decode(), *filter(None, [os.environ["OLD_KEYS"]])]
properties = {"value": ",".join(keys), "contentType": "Fernet keys: the first encrypts, each decrypts"}
with open(sys.argv[1], "w") as file:
    json.dump({"properties": properties}, file)
PYTHON
  patiently az rest --method put --url "$secret_url" --body "@$body" --output none
}

step "The vault $vault"
vault_id=$(patiently az keyvault show --name "$vault" --query id --output tsv "${on[@]}")
secret_url="https://management.azure.com$vault_id/secrets/encryption-keys?api-version=2024-11-01"

# Overwriting the key would make everything stored unreadable. So a key counts as missing only if the vault says so and its
# readable list of secrets lacks it: a failed look-up is not an answer.
step 'Whether it has a key'
if answer=$(az rest --method get --url "$secret_url" --query name --output tsv 2>&1); then
  has_key=yes
else
  [[ $answer =~ SecretNotFound|ResourceNotFound ]] || fail "the vault does not say whether it has a key: $answer"
  names=$(patiently az rest --method get --url "https://management.azure.com$vault_id/secrets?api-version=2024-11-01" \
    --query "join(',', value[].name)" --output tsv)
  [[ ",$names," != *,encryption-keys,* ]] || fail 'the vault lists a key and does not show it: try again'
  has_key=''
fi

if [[ -z $has_key ]]; then
  new_key ''
elif flag --rotate "$@"; then
  step 'The keys that are there, which still open what they closed'
  old_keys=$(patiently az keyvault secret show --vault-name "$vault" --name encryption-keys --query value --output tsv "${on[@]}")
  [[ -n $old_keys ]] || fail 'the key that is there is empty: docs/operations.md, “The previous version of the encryption keys”'
  new_key "$old_keys"
else
  done_already 'the key that is there stays'
fi

if [[ -n $app ]]; then
  step "$app reads its references to the vault again"
  app_id=$(patiently az functionapp show --name "$app" --resource-group "$group" --query id --output tsv "${on[@]}")
  change az rest --method post \
    --url "https://management.azure.com$app_id/config/configreferences/appsettings/refresh?api-version=2022-03-01" ||
    step 'It does not now: it reads them when it starts next'
fi
