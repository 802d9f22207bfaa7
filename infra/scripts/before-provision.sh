#!/usr/bin/env bash
# What azd runs before the template: the app registration, whose client id the template wants.
#
#   before-provision.sh [--dry-run]
source "$(dirname "$0")/common.sh"
begin "$0" "$@"

client_id=$("$(dirname "$0")/sign-in-app.sh" "$@")
step 'The client id, for the template'
change azd env set AUTH_CLIENT_ID "$client_id"
