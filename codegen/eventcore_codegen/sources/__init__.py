"""What a run sees of the disk: which files there are, what they hold, and which of them a module's name leads to."""

from __future__ import annotations

from eventcore_codegen.sources.files import UnreadableFile
from eventcore_codegen.sources.seen import Json, Questions, Sources

__all__ = ["Json", "Questions", "Sources", "UnreadableFile"]
