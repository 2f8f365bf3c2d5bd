"""Four ways of choosing streams, a module each, to copy from. `python -m patterns` shows them at work."""
