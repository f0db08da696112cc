"""The Quitus collector: enrols devices, keeps their inventories, reconciles them, declares."""
