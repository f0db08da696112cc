"""The outside world: databases, certificates, solvers, documents; one outside library each."""
