"""Double-entry bookkeeping: a ledger and two accounts in one atomic append. `python -m ledger --help` runs it."""
