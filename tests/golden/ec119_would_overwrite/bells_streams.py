"""Streams of bells. Written by hand, and not to be lost."""

from __future__ import annotations

BELLS = ("big", "small")
