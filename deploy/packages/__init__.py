"""Packages of the agent and of the collector: `python -m deploy.packages`, or `make packages`."""
