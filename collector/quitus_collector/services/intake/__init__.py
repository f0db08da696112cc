"""Entitlements from outside: neutral lines of any form, read in one place."""
