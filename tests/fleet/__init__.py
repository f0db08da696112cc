"""A sample fleet: made-up workstations with the software that real ones have."""
