"""What every store says of a lease that is over, or that cannot begin."""

from __future__ import annotations

from datetime import timedelta

from eventcore.errors import InvalidArgument, LeaseLost
from eventcore.store import Lease


def lost(lease: Lease) -> LeaseLost:
    """Return what a transaction under *lease* raises once the lease is over."""
    return LeaseLost(f"the lease {lease.name!r} of {lease.owner!r} was not renewed in time; nothing was written; acquire it again")


def check_ttl(ttl: timedelta) -> None:
    """Refuse a lease of no time: it would be nobody's at once, and two would do what one should."""
    if ttl <= timedelta(0):
        raise InvalidArgument(f"a lease lasts some time; its ttl cannot be {ttl}")
