"""Where the outside calls in: gRPC and the terminal; each translates and calls a service."""
