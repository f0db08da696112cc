"""Which version this agent is."""

# In the state folder: what the collector said of the agent that should be here, as it signed it.
RELEASE_FILE = "wanted-agent.binpb"


def version() -> str:
    """Like 1.4.0; empty where its files were put somewhere without being built or installed."""
    try:
        # Written when it is built or installed; looking for package metadata takes far longer.
        from quitus_agent._version import version as built
    except ImportError:
        from importlib import metadata

        try:
            return metadata.version("quitus")
        except metadata.PackageNotFoundError:
            return ""
    return str(built)
