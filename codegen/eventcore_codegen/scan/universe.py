"""The modules that are known: those below the given paths, and those that they import, read when somebody first asks for them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final, final

import attrs

from eventcore_codegen.diagnostics import START, Diagnostic, Severity
from eventcore_codegen.model import LIBRARY, Source
from eventcore_codegen.scan.reading import Reader
from eventcore_codegen.scan.syntax import ModuleSyntax, SyntaxFault
from eventcore_codegen.sources import Questions, Sources, UnreadableFile, files


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
class Loader:
    """Loads the modules in files of *sources*, each once, and has *read* parse them. *base* is the folder that paths are shown relative to."""

    def __init__(self, sources: Sources, base: Path, read: Reader) -> None:
        self.sources: Final = sources
        self._base = base
        self._parse = read
        self._loaded: dict[Path, LoadedModule] = {}
        self._faults: dict[Path, Diagnostic] = {}

    def load(self, path: Path) -> LoadedModule:
        """Return the module in a file."""
        if path not in self._loaded:
            self._loaded[path] = self._read(path, self.sources.read(path))
        return self._loaded[path]

    def faults(self, module: LoadedModule) -> Iterator[Diagnostic]:
        """Yield what is wrong with a file that was loaded, if anything is: then nothing is known of what it declares."""
        if module.source.path in self._faults:
            yield self._faults[module.source.path]

    def first_faults(self) -> Iterator[Diagnostic]:
        """Yield what is wrong with the given paths, before any file is parsed."""
        yield from map(self._unreadable, self.sources.faults)
        yield from map(self._unreadable, self.sources.unreadable())

    def _read(self, path: Path, data: bytes | UnreadableFile) -> LoadedModule:
        text = files.decode(path, data) if isinstance(data, bytes) else data
        if isinstance(text, UnreadableFile):
            self._faults[path] = self._unreadable(text)
            return self._module(path, None, ())
        syntax = self._parse(text)
        module = self._module(path, None if isinstance(syntax, SyntaxFault) else syntax, files.split_lines(text))
        if isinstance(syntax, SyntaxFault):
            self._faults[path] = _no_python(module, syntax)
        return module

    def _module(self, path: Path, syntax: ModuleSyntax | None, lines: tuple[str, ...]) -> LoadedModule:
        root = self.sources.package_root(path)
        source = Source(path, self._show(path), path.relative_to(root).as_posix(), lines)
        return LoadedModule(files.module_name(path, root), source, path.name == "__init__.py", syntax)

    def _unreadable(self, fault: UnreadableFile) -> Diagnostic:
        return Diagnostic("EC120", Severity.ERROR, self._show(fault.path), START, fault.message, fault.help)

    def _show(self, path: Path) -> str:
        """Return *path* as a user in *base* would write it."""
        return (path.relative_to(self._base) if path.is_relative_to(self._base) else path).as_posix()


def _no_python(module: LoadedModule, fault: SyntaxFault) -> Diagnostic:
    return Diagnostic(
        "EC117",
        Severity.ERROR,
        module.source.shown,
        fault.span,
        fault.message,
        "the file is skipped; mend it and generate again",
        module.source.line(fault.span.line),
    )


@final
class Universe:
    """Finds modules by name, in the files of *loader*, first below *root*, and remembers what it was asked."""

    def __init__(self, loader: Loader, root: Path) -> None:
        self.loader: Final = loader
        self._sources = loader.sources
        self._root = str(root)
        self._by_name: dict[str, LoadedModule | None] = {}
        self._tops: set[str] = set()
        self._folders: set[str] = set()

    @property
    def asked(self) -> Questions:
        """All that was asked of the disk so far, to find what was found."""
        names = self._by_name.keys() | self._tops
        return Questions(frozenset((self._root, name) for name in names), frozenset(self._folders))

    @property
    def faults(self) -> tuple[Diagnostic, ...]:
        """What is wrong with the files that were found so far."""
        found = (module for module in self._by_name.values() if module is not None)
        return tuple(fault for module in found for fault in self.loader.faults(module))

    def find(self, name: str) -> LoadedModule | None:
        """Return the user's module *name*; None where there is none, or only a generated one."""
        # The library itself is known by its public names, wherever its source lies.
        if name.partition(".")[0] == LIBRARY:
            return None
        if name not in self._by_name:
            path = self._sources.locate(self._root, name)
            self._by_name[name] = None if path is None else self.loader.load(path)
        return self._by_name[name]

    def is_generated(self, name: str) -> bool:
        """Tell whether *name* is or would be a module of ours, generated from one that is known."""
        return self.generated_from(name) is not None

    def generated_from(self, name: str) -> LoadedModule | None:
        """Return the module that *name* is or would be generated from; None where it is nothing of ours."""
        parent, _, last = name.rpartition(".")
        if last == "_streams":
            source = self.find(parent) if parent else None
            fits = source is not None and source.is_package
        else:
            source = self.find(name.removesuffix("_streams")) if last.endswith("_streams") else None
            fits = source is not None and not source.is_package
        return source if fits and self.find(name) is None else None

    def holds(self, top: str) -> bool:
        """Tell whether the module or package *top* is the user's, without reading it."""
        if top not in sys.stdlib_module_names and self.is_folder(top):
            return True
        self._tops.add(top)
        return self._sources.locate(self._root, top) is not None

    def is_folder(self, name: str) -> bool:
        """Tell whether *name* is a folder below one of the roots that is no package by itself."""
        self._folders.add(name)
        return self._sources.is_folder(name)
