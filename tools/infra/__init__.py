"""Checks of what is deployed, beyond those that `make test` has time for: `make check-infra`."""
