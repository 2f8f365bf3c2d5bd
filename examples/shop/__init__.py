"""A shop whose checkout finds the products it needs while it runs. `python -m shop --help` runs it."""
