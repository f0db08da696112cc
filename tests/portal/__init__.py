"""A declaration site of our own, to submit to: a server with its own process and authority.

It is written from the outside in: what a publisher's site does, not what our client needs.
"""
