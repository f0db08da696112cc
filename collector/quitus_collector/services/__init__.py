"""What the collector does: one use case a module, on ports that adapters implement."""
