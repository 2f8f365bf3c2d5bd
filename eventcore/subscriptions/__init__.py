"""Events for readers: decoded by their classes, and followed as they come."""

from __future__ import annotations

from eventcore.subscriptions.decoding import EventDecoder, stream_selectors
from eventcore.subscriptions.following import Subscribing

__all__ = ["EventDecoder", "Subscribing", "stream_selectors"]
