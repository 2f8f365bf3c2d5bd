"""The project's own names for what eventcore has."""

from __future__ import annotations

import eventcore as ec
from eventcore import StreamId as Id
from eventcore import command as cmd
from eventcore import event
from eventcore import event as fact

sign = event

__all__ = ["Id", "cmd", "ec", "fact", "sign"]
