"""The seal of a declaration: signature, timestamp, the company's key, and the check of all."""
