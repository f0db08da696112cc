"""Long runs, behind `make soak`: what only hours of a machine would find."""
