"""Measured runs, behind `make bench-...`: both sides of every ratio come from the same run."""
