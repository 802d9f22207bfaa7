"""How fast the bridge is on this machine, and which part of the time is the bridge's: `python -m local.bench`."""
