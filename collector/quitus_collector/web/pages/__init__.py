"""One module for each part of the console; what it shows is in a template of its name."""
