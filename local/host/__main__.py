"""`python -m local.host`: what server.py says."""

from local.host.server import main

main()
