from __future__ import annotations

STAMP = "1st"
