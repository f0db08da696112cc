"""Certificates: the collector's authority and the company's own."""
