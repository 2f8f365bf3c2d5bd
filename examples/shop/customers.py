"""A customer: may order, until blocked."""

from __future__ import annotations

from eventcore import event, state


@event("customer.blocked")
class Blocked:
    reason: str


@state
class Customer:
    may_order: bool = True

    def apply(self, event: Blocked) -> Customer:
        return Customer(may_order=False)
