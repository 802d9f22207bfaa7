"""How fast the bridge is on this machine, and which part of that is the bridge: `python -m local.bench`."""
