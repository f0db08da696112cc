"""The wire of proto/quitus/v1, served."""
