"""What commands exit with."""

from __future__ import annotations

from typing import Final

OK: Final = 0
FAILED: Final = 2
INTERRUPTED: Final = 130
"""What shells say of a program that Ctrl-C ended."""
