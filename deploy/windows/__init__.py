"""The agent for Windows: an installer made on Linux, policy templates, a start-up script."""
