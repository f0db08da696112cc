"""Files in the binary forms that systems keep, made by tests: whole, large or damaged."""
