"""Puts the collector together: the only place that names concrete adapters."""
