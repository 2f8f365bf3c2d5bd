"""A workflow whose next step is found while a step is completed. `python -m workflow --help` runs it."""
