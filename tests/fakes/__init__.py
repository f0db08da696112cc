"""Stand-ins for ports, held to the same contract as the real adapters."""
