"""What commands, states and events have to do with one another, for people to read: `eventcore map` and `eventcore who`.

chart (the model to an `Atlas`) -> conflicts (which commands can lose to which) -> lookup (one name in it) -> text, mermaid, data (how it is shown).
Nothing is written, and nothing of the user's is imported.
"""

from __future__ import annotations

from eventcore_codegen.atlas.chart import Reading, read
from eventcore_codegen.atlas.data import answer_data, map_data
from eventcore_codegen.atlas.lookup import Unknown, find
from eventcore_codegen.atlas.mermaid import map_mermaid
from eventcore_codegen.atlas.text import answer_text, map_text
from eventcore_codegen.atlas.values import Atlas

__all__ = ["Atlas", "Reading", "Unknown", "answer_data", "answer_text", "find", "map_data", "map_mermaid", "map_text", "read"]
