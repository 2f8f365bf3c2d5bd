from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent

import pytest

from eventcore_codegen.diagnostics import Diagnostic
from eventcore_codegen.model import Module
from eventcore_codegen.pipeline import Outcome, generate
from eventcore_codegen.scan import scan

HEAD = """\
from __future__ import annotations

from eventcore import Discovered, StreamId, command, discovered, event, state, stream

"""

CART = HEAD + dedent(
    """
    @event
    class Added:
        sku: str

    @event("cart.emptied", version=2)
    class Emptied:
        pass

    CartEvent = Added | Emptied

    @state
    class Cart:
        size: int = 0

        def apply(self, event: CartEvent) -> Cart:
            return self
    """
)

FILL = dedent(
    """
    @command
    class Fill:
        cart: StreamId[Cart] = stream()

        def handle(self, streams, state):
            return []
    """
)


class Source:
    """A user's source in a temporary folder, and some to begin with."""

    HEAD = HEAD
    CART = CART
    FILL = FILL

    def __init__(self, root: Path) -> None:
        self.root = root

    def write(self, files: Mapping[str, str | bytes]) -> None:
        for name, text in files.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text if isinstance(text, bytes) else text.encode())

    def generate(self, *paths: str, write: bool = True) -> Outcome:
        return generate([self.root / path for path in paths or (".",)], base=self.root, write=write)

    def faults(self, files: Mapping[str, str | bytes], *paths: str) -> list[Diagnostic]:
        self.write(files)
        return list(self.generate(*paths, write=False).diagnostics)

    def codes(self, files: Mapping[str, str | bytes], *paths: str) -> list[tuple[str, int]]:
        """Return the codes and lines of all faults."""
        return [(fault.code, fault.span.line) for fault in self.faults(files, *paths)]

    def modules(self, files: Mapping[str, str | bytes], *paths: str) -> dict[str, Module]:
        self.write(files)
        scanned = scan([self.root / path for path in paths or (".",)], self.root)
        assert scanned.diagnostics == ()
        return {module.name: module for project in scanned.projects for module in project.modules}

    def text(self, name: str) -> str:
        return (self.root / name).read_text()

    def tree(self) -> dict[str, bytes]:
        return {path.relative_to(self.root).as_posix(): path.read_bytes() for path in sorted(self.root.rglob("*")) if path.is_file()}


@pytest.fixture
def source(tmp_path: Path) -> Source:
    return Source(tmp_path)
