"""The operators' commands: `python -m cli COMMAND`, with the packages of requirements.txt and nothing more."""
