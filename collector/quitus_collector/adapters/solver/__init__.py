"""Integer programmes, solved and proven."""
