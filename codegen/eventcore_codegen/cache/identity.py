"""Which generator this is: what one found out is nothing to another."""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import os
import sys
from pathlib import Path
from typing import Final

from eventcore_codegen.template_files import template_root

_LIBRARIES: Final = ("libcst", "jinja2")
_PACKAGE: Final = Path(__file__).parent.parent


@functools.cache
def generator_identity() -> str:
    """Return a digest of the generator's own source and templates, of Python, and of the libraries that are installed.

    Of the source, not of a version: whoever works on the generator changes it without changing its version. Asked once: what is changed on the
    disk while `--watch` runs is not the generator that runs.
    """
    digest = hashlib.sha256(sys.version.encode())
    for name in _LIBRARIES:
        digest.update(f"{name} {_installed(name)}\n".encode())
    templates = sorted((entry.name, entry.read_bytes()) for entry in template_root().iterdir() if entry.is_file())
    sources = [(path.relative_to(_PACKAGE).as_posix(), path.read_bytes()) for path in sorted(_PACKAGE.rglob("*.py"))]
    for name, data in (*templates, *sources):
        digest.update(f"{name} {len(data)}\n".encode() + data)
    return digest.hexdigest()


def _installed(name: str) -> str:
    """Return what the folder that a library lies in says of its version. `importlib.metadata` would take longer than a whole run."""
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        return "missing"
    beside = os.listdir(Path(spec.origin).parent.parent)  # noqa: PTH208  # only names are wanted
    return " ".join(sorted(entry for entry in beside if entry.lower().startswith(f"{name}-")))
