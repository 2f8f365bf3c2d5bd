from __future__ import annotations

from eventcore import event


@event
class Indented:
pass
