"""Generated texts by what they are made of."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from pathlib import PurePath
from typing import Final, cast, final

import attrs

from eventcore_codegen import model
from eventcore_codegen.cache.folder import CacheFolder
from eventcore_codegen.output import Excerpt
from eventcore_codegen.render import render

_KIND: Final = "texts"


@final
class Renderings:
    """Renders excerpts as `render` does, those that are known without rendering them."""

    def __init__(self, folder: CacheFolder) -> None:
        self._folder = folder
        self._used: set[str] = set()
        self._rendered = 0

    def known(self, key: str) -> str | None:
        """Return the text that was rendered with *key*, if it is still there."""
        self._used.add(key)
        text = self._folder.get(_KIND, key)
        return text if isinstance(text, str) else None

    def text(self, excerpt: Excerpt) -> tuple[str, str]:
        """Return a text, and the key by which it will be known."""
        key = self._folder.key(told(excerpt))
        text = self.known(key)
        if text is None:
            text = render(excerpt)
            self._rendered += 1
            self._folder.put(_KIND, key, text)
        return key, text

    def trim(self) -> None:
        """Forget what has long not been used. Only after something new was kept: otherwise nothing grew."""
        if self._rendered:
            self._folder.trim(_KIND, self._used, len(self._used))


def told(value: object) -> str:
    """Return all that *value* says, but for its places in the source: two values that say the same are rendered the same."""
    match value:
        case str() | int() | None:
            return repr(value)
        case tuple():
            return f"({','.join(map(told, cast('tuple[object, ...]', value)))})"
        case frozenset():
            return f"{{{','.join(sorted(map(told, cast('frozenset[object]', value))))}}}"
        case Mapping():
            items = cast("Mapping[object, object]", value).items()
            return f"{{{','.join(f'{told(key)}:{told(item)}' for key, item in items)}}}"
        case Enum() | PurePath():
            return repr(value)
        case _:
            fields = _FIELDS[type(value)]
            return f"{type(value).__name__}({','.join([told(getattr(value, name)) for name in fields])})"


def _fields(cls: type) -> tuple[str, ...]:
    """Return the fields of a class that are no places."""
    return tuple(field.name for field in attrs.fields(cls) if field.type != "Span")


_FIELDS: Final[Mapping[type, tuple[str, ...]]] = {
    cls: _fields(cls) for cls in (Excerpt, *vars(model).values()) if isinstance(cls, type) and attrs.has(cls)
}
"""By class, all that the model is made of."""
