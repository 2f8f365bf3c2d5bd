from __future__ import annotations

from eventcore import event


@event("Köln")
class Cologne:
    pass
