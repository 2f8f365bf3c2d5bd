"""Where the templates are."""

from __future__ import annotations

from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path


def template_root() -> Traversable:
    """Return the shipped templates, or a checkout's top-level templates/ folder, where editing them has effect at once."""
    shipped = files("eventcore_codegen") / "templates"
    return shipped if shipped.is_dir() else Path(__file__).resolve().parents[2] / "templates"
