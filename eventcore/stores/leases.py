"""What every store says of a lease that is over, or that cannot begin."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from eventcore.errors import InvalidArgument, LeaseLost
from eventcore.store import Lease


def lost(lease: Lease) -> LeaseLost:
    """Return what a transaction under *lease* raises once the lease is over."""
    return LeaseLost(f"the lease {lease.name!r} of {lease.owner!r} was not renewed in time; nothing was written; acquire it again")


_LONGEST: Final = timedelta(days=365_000)


def check_ttl(ttl: timedelta) -> None:
    """Refuse a lease of no time, which would be nobody's at once, so that two would do what one should; and one that ends beyond the calendar."""
    if not timedelta(0) < ttl <= _LONGEST:
        raise InvalidArgument(f"a lease lasts some time, up to {_LONGEST.days} days; its ttl cannot be {ttl}")
