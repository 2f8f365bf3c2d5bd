"""What every store says of a lease that is over."""

from __future__ import annotations

from eventcore.errors import LeaseLost
from eventcore.store import Lease


def lost(lease: Lease) -> LeaseLost:
    """Return what a transaction under *lease* raises once the lease is over."""
    return LeaseLost(f"the lease {lease.name!r} of {lease.owner!r} was not renewed in time; nothing was written; acquire it again")
