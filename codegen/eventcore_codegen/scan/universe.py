"""The modules that are known: those below the given paths, and those that they import, read when somebody first asks for them."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Final, final

import attrs

from eventcore_codegen.diagnostics import START, Diagnostic, Severity
from eventcore_codegen.model import Source
from eventcore_codegen.scan.reading import Reader
from eventcore_codegen.scan.syntax import ModuleSyntax, SyntaxFault
from eventcore_codegen.sources import Sources, UnreadableFile, files

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
    """Finds modules by name among *sources*, and has *read* parse them. *base* is the folder that paths are shown relative to."""

    def __init__(self, sources: Sources, base: Path, read: Reader) -> None:
        self.faults: list[Diagnostic] = [_unreadable(fault, base) for fault in sources.faults]
        self._sources = sources
        self._base = base
        self._parse = read
        self._by_path: dict[str, LoadedModule] = {}
        self._by_name: dict[str, LoadedModule | None] = {}
        self._held: dict[str, bool] = {}

    def load(self, path: Path) -> LoadedModule:
        """Return the module in a file. What is wrong with it goes to *faults*."""
        key = os.path.realpath(path)
        if key not in self._by_path:
            self._by_path[key] = self._read(path, self._sources.read(path))
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

    def holds(self, top: str) -> bool:
        """Tell whether the module or package *top* is the user's, without reading it."""
        if top not in self._held:
            is_folder = top not in sys.stdlib_module_names and self.is_folder(top)
            self._held[top] = is_folder or self._sources.locate(top) is not None
        return self._held[top]

    def is_folder(self, name: str) -> bool:
        """Tell whether *name* is a folder below one of the roots that is no package by itself."""
        return self._sources.is_folder(name)

    def _search(self, name: str) -> LoadedModule | None:
        path = self._sources.locate(name)
        return None if path is None else self.load(path)

    def _read(self, path: Path, data: bytes | UnreadableFile) -> LoadedModule:
        text = files.decode(path, data) if isinstance(data, bytes) else data
        if isinstance(text, UnreadableFile):
            self.faults.append(self.unreadable(text))
            return self._module(path, None, ())
        lines = files.split_lines(text)
        syntax = self._parse(text)
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
        root = self._sources.package_root(path)
        source = Source(path, self.show(path), path.relative_to(root).as_posix(), lines)
        return LoadedModule(files.module_name(path, root), source, path.name == "__init__.py", syntax)

    def unreadable(self, fault: UnreadableFile) -> Diagnostic:
        return _unreadable(fault, self._base)

    def show(self, path: Path) -> str:
        """Return *path* as a user in *base* would write it."""
        return _show(path, self._base)


def _unreadable(fault: UnreadableFile, base: Path) -> Diagnostic:
    return Diagnostic("EC120", Severity.ERROR, _show(fault.path, base), START, fault.message, fault.help)


def _show(path: Path, base: Path) -> str:
    return (path.relative_to(base) if path.is_relative_to(base) else path).as_posix()
