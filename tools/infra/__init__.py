"""Checks of the deployed parts, beyond those that `make test` has time for: `make check-infra`."""
