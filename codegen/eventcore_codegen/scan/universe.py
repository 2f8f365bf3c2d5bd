"""The modules that are known: those below the given paths, and those that they import, read when somebody first asks for them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, final

import attrs

from eventcore_codegen.diagnostics import START, Diagnostic, Severity
from eventcore_codegen.model import Source
from eventcore_codegen.scan import files
from eventcore_codegen.scan.files import UnreadableFile
from eventcore_codegen.scan.parse import SyntaxFault, parse
from eventcore_codegen.scan.syntax import ModuleSyntax

LIBRARY: Final = "eventcore"


@final
@attrs.frozen(eq=False)
class LoadedModule:
    """A source file by its module name. *syntax* is None where it could not be read."""

    name: str
    source: Source
    is_package: bool
    syntax: ModuleSyntax | None

    @property
    def package(self) -> str:
        """The package that relative imports begin at."""
        return self.name if self.is_package else self.name.rpartition(".")[0]


@final
class Universe:
    """Finds modules by name below the package roots of all scanned files. *base* is the folder that paths are shown relative to."""

    def __init__(self, base: Path) -> None:
        self.faults: list[Diagnostic] = []
        self._base = base
        self._roots: list[Path] = []
        self._by_path: dict[str, LoadedModule] = {}
        self._by_name: dict[str, LoadedModule | None] = {}

    def add_roots(self, paths: Iterable[Path]) -> None:
        self._roots = sorted({files.package_root(path) for path in paths})

    def load(self, path: Path, data: bytes | None = None) -> LoadedModule:
        """Return the module in a file, reading it unless *data* is what it holds. What is wrong with it goes to *faults*."""
        key = os.path.realpath(path)
        if key not in self._by_path:
            self._by_path[key] = self._read(path, files.read_bytes(path) if data is None else data)
        return self._by_path[key]

    def find(self, name: str) -> LoadedModule | None:
        """Return the user's module *name*; None where there is none, or only a generated one."""
        if name not in self._by_name:
            # The library itself is known by its public names, wherever its source lies.
            self._by_name[name] = None if name.partition(".")[0] == LIBRARY else self._search(name)
        return self._by_name[name]

    def is_generated(self, name: str) -> bool:
        """Tell whether *name* is or would be a module of ours, generated from one that is known."""
        parent, _, last = name.rpartition(".")
        if last == "_streams":
            source = self.find(parent) if parent else None
            return source is not None and source.is_package and self.find(name) is None
        source = self.find(name.removesuffix("_streams")) if last.endswith("_streams") else None
        return source is not None and not source.is_package and self.find(name) is None

    def is_folder(self, name: str) -> bool:
        """Tell whether *name* is a folder below one of the roots that is no package by itself."""
        return any(os.path.isdir(root.joinpath(*name.split("."))) for root in self._roots)  # noqa: PTH112  # as in `_search`

    def _search(self, name: str) -> LoadedModule | None:
        for path in self._candidates(name):
            if os.path.isfile(path):  # noqa: PTH113  # `Path.is_file` raises for names that are too long
                data = files.read_bytes(path)
                if isinstance(data, bytes) and files.is_generated(data):
                    return None
                return self.load(path, data if isinstance(data, bytes) else None)
        return None

    def _candidates(self, name: str) -> Iterator[Path]:
        parts = name.split(".")
        if not all(parts):
            return
        for root in self._roots:
            yield root.joinpath(*parts, "__init__.py")
            yield root.joinpath(*parts[:-1], f"{parts[-1]}.py")

    def _read(self, path: Path, data: bytes | UnreadableFile) -> LoadedModule:
        text = files.decode(path, data) if isinstance(data, bytes) else data
        if isinstance(text, UnreadableFile):
            self.faults.append(self.unreadable(text))
            return self._module(path, None, ())
        lines = files.split_lines(text)
        syntax = parse(text)
        if isinstance(syntax, SyntaxFault):
            module = self._module(path, None, lines)
            self.faults.append(
                Diagnostic(
                    "EC117",
                    Severity.ERROR,
                    module.source.shown,
                    syntax.span,
                    f"this is no Python: {syntax.message}",
                    "the file is skipped; mend it and generate again",
                    module.source.line(syntax.span.line),
                )
            )
            return module
        return self._module(path, syntax, lines)

    def _module(self, path: Path, syntax: ModuleSyntax | None, lines: tuple[str, ...]) -> LoadedModule:
        root = files.package_root(path)
        source = Source(path, self.show(path), path.relative_to(root).as_posix(), lines)
        return LoadedModule(files.module_name(path, root), source, path.name == "__init__.py", syntax)

    def unreadable(self, fault: UnreadableFile) -> Diagnostic:
        return Diagnostic("EC120", Severity.ERROR, self.show(fault.path), START, fault.message, fault.help)

    def show(self, path: Path) -> str:
        """Return *path* as a user in *base* would write it."""
        return (path.relative_to(self._base) if path.is_relative_to(self._base) else path).as_posix()
