"""Portals that take declarations: one adapter a kind, each described by a data file."""
