"""`python -m local.zoho_one`: what server.py says."""

from local.zoho_one.server import main

main()
