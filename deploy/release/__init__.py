"""A release: wheel and sources, bills of materials, licences, digests, signature."""
