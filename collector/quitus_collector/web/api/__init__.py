"""The console's API for programs, `/api/v1`: a module for each kind of thing it speaks of."""
