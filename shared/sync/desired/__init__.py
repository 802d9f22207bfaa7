"""Desired state: what Zoho One should hold, computed from the source state and the store's settings."""
