"""A package within the package, named by a relative import from within."""

from __future__ import annotations

from .model import Seat, Taken

__all__ = ["Seat", "Taken"]
