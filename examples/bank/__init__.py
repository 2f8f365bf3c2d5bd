"""Accounts, and transfers between them: two streams, one atomic append. `python -m bank --help` runs it."""
