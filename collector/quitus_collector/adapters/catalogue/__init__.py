"""The catalogue and what it recognises: its files, bundles, rules of the customer's own."""
