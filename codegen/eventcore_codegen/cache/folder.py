"""A folder of JSON values by key: written whole or not at all, and believed only if their checksum is right."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
from collections.abc import Collection
from pathlib import Path
from typing import Final, final

import attrs

from eventcore_codegen.cache.identity import generator_identity
from eventcore_codegen.sources import Json

NAME: Final = ".eventcore_cache"

_KEPT: Final = 1_000
_OWN_FILES: Final = {
    ".gitignore": "*\n",
    "CACHEDIR.TAG": "Signature: 8a477f597d28d172789f06886806bc55\n# Made by `eventcore generate`. Deleting this folder costs time, nothing else.\n",
}


@final
@attrs.frozen
class CacheFolder:
    """*path* need not exist, nor be writable: what cannot be kept is found out again. *identity* is that of the generator that uses it."""

    path: Path
    identity: str

    def key(self, *parts: str | bytes) -> str:
        """Return the key of what this generator makes of *parts*."""
        digest = hashlib.sha256(self.identity.encode())
        for part in parts:
            data = part if isinstance(part, bytes) else part.encode("utf-8", errors="surrogatepass")
            digest.update(b"%d:" % len(data) + data)
        return digest.hexdigest()

    def get(self, kind: str, key: str) -> Json:
        """Return what was put there; None if nothing was, or if it is damaged."""
        text = self.text(kind, key)
        value: Json = None if text is None else json.loads(text)
        return value

    def text(self, kind: str, key: str) -> str | None:
        """Return the JSON text of what was put there; None if nothing was, or if it is damaged."""
        try:
            data = (self.path / kind / key).read_bytes()
        except OSError:
            return None
        checksum, _, payload = data.partition(b"\n")
        return payload.decode() if checksum == hashlib.sha256(payload).hexdigest().encode() else None

    def put(self, kind: str, key: str, value: Json) -> None:
        """Keep *value*, if the folder lets us: not being able to is no fault of the user's source."""
        payload = json.dumps(value, separators=(",", ":")).encode()
        folder = self.path / kind
        temporary = folder / f".{key}.{secrets.token_hex(4)}"
        try:
            self._make(folder)
            temporary.write_bytes(hashlib.sha256(payload).hexdigest().encode() + b"\n" + payload)
            temporary.replace(folder / key)
        except OSError:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)

    def trim(self, kind: str, used: Collection[str], wanted: int) -> None:
        """Remove the oldest of what was not *used*, where there is much of it: more than a thousand, and twice as much as is *wanted* at a time."""
        with contextlib.suppress(OSError):
            with os.scandir(self.path / kind) as entries:
                unused = [(entry.stat().st_mtime_ns, entry.path) for entry in entries if entry.name not in used]
            for _, path in sorted(unused)[: -max(_KEPT, 2 * wanted)]:
                os.unlink(path)  # noqa: PTH108  # it is no `Path`

    def _make(self, folder: Path) -> None:
        if folder.is_dir():
            return
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in _OWN_FILES.items():
            (self.path / name).write_text(text, encoding="utf-8")


def open_cache(root: Path) -> CacheFolder:
    """Return the cache of the project in the folder *root*."""
    return CacheFolder(root / NAME, generator_identity())
