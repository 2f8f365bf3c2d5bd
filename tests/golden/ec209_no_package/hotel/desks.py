from __future__ import annotations

from eventcore import state


@state
class Desk:
    open: bool = False
