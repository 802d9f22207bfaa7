"""Guard: what keeps a plan, or one deprovisioning, from being applied until an administrator has decided."""
