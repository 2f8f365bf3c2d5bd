"""The project's own names for what eventcore has."""

from __future__ import annotations

import eventcore as ec
from eventcore import StreamId as Id
from eventcore import command
from eventcore import event as fact

cmd = command

__all__ = ["Id", "cmd", "ec", "fact"]
