"""The Quitus agent: reads what is installed on this device and reports it."""
