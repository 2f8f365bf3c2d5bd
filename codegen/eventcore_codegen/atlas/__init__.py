"""What commands, states and events have to do with one another, for people to read: `eventcore map` and `eventcore who`.

reading (the settings, the cache) -> chart (the model to an `Atlas`) -> conflicts (which commands can lose to which) -> lookup (one name in it) ->
text, mermaid, data (how it is shown). Nothing is written but the cache, and nothing of the user's is imported.
"""

from __future__ import annotations

from eventcore_codegen.atlas.data import answer_data, map_data
from eventcore_codegen.atlas.lookup import Unknown, find
from eventcore_codegen.atlas.mermaid import answer_mermaid, map_mermaid
from eventcore_codegen.atlas.reading import Reading, read, read_project
from eventcore_codegen.atlas.text import answer_text, map_text
from eventcore_codegen.atlas.values import Atlas, Subject
from eventcore_codegen.config import CannotBegin

__all__ = [
    "Atlas",
    "CannotBegin",
    "Reading",
    "Subject",
    "Unknown",
    "answer_data",
    "answer_mermaid",
    "answer_text",
    "find",
    "map_data",
    "map_mermaid",
    "map_text",
    "read",
    "read_project",
]
