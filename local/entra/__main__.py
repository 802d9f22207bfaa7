"""`python -m local.entra`: what server.py says."""

from local.entra.server import main

main()
