"""The whole job once, on this machine: real agent, real collector, a sample fleet beside it."""
