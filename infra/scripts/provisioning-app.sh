#!/usr/bin/env bash
# Creates the enterprise application that provisions to the bridge, like “Create your own application” and
# “Provisioning” in the portal, up to the steps that need a decision.
#
#   provisioning-app.sh --sync-endpoint URL [--name NAME] [--dry-run]
#
# --sync-endpoint is the address of a directory store, https://…/scim/<store>. The store's secret token is read from the
# standard input, so that it stays out of the shell's history: provisioning-app.sh --sync-endpoint … < token.txt
# It does not assign people and does not start provisioning: do both in the portal, after Test Connection.
#
# Needs: Application Administrator or Cloud Application Administrator in Entra.
source "$(dirname "$0")/common.sh"
begin "$0" "$@"
in_cloud

endpoint=$(option --sync-endpoint "$@")
[[ $endpoint == https://*/scim/* ]] || fail '--sync-endpoint is missing, or not of the form https://…/scim/<store>'
name=$(option --name "$@")
name=${name:-Zoho One}
NON_GALLERY=8adf8e6e-67b2-4cf2-a259-e3dc5476c621 # the template of an application that is not in the gallery

step "The enterprise application $name"
found=$(patiently az ad sp list --filter "displayName eq '${name//\'/\'\'}'" --query '[].id' --output tsv)
principal_id=$(only_one "$name" "$found")
if [[ -n $principal_id ]]; then
  done_already "$principal_id"
else
  principal_id=$(graph POST "/applicationTemplates/$NON_GALLERY/instantiate" "{\"displayName\": \"$name\"}" servicePrincipal.id)
fi
principal_id=$(or_placeholder "$principal_id" 'object id of the enterprise application')
synchronization="/servicePrincipals/$principal_id/synchronization"

by_hand() {
  fail "$1. By hand: $PORTAL, Enterprise applications, $name, Provisioning, New configuration; Tenant URL is" \
    "$endpoint?aadOptscim062020, Secret token is the store's; Test connection, Create"
}

step 'Its provisioning job, which is not started'
job='' template='<template of its provisioning>'
if [[ $principal_id != \<* ]]; then
  job=$(graph GET "$synchronization/jobs" '' 'value[].id') || by_hand 'Entra does not show its provisioning jobs'
  template=$(graph GET "$synchronization/templates" '' 'value[].id') || by_hand 'Entra does not show its templates of provisioning'
  template=${template%%$'\n'*}
fi
if [[ -n $job ]]; then
  done_already "$job"
else
  graph POST "$synchronization/jobs" "{\"templateId\": \"${template:-scim}\"}" >/dev/null || by_hand 'Entra makes no provisioning job'
fi

step 'Tenant URL and Secret Token'
if [[ -n $DRY_RUN ]]; then
  graph PUT "$synchronization/secrets" '@<Tenant URL and Secret Token>' >/dev/null
  exit 0
fi
umask 077
body=$(mktemp)
trap 'rm -f "$body"' EXIT
python3 -c '
import json, sys

token = sys.stdin.readline().strip()
if not token:
    sys.exit("error: no secret token came on the standard input")
pairs = {"BaseAddress": sys.argv[1], "SecretToken": token, "SyncNotificationSettings": "{}"}
with open(sys.argv[2], "w") as file:
    json.dump({"value": [{"key": key, "value": value} for key, value in pairs.items()]}, file)
' "$endpoint?aadOptscim062020" "$body"
graph PUT "$synchronization/secrets" "@$body" >/dev/null || by_hand 'Entra does not take the Tenant URL'
