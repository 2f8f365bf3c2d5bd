"""Everything that generating asks of the disk, asked once and remembered: what it makes is a function of these answers alone."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, TypeAlias, final

import attrs

from eventcore_codegen.model import LIBRARY, output_name
from eventcore_codegen.sources import files
from eventcore_codegen.sources.excluded import Excluded
from eventcore_codegen.sources.files import UnreadableFile

Json: TypeAlias = "str | int | list[Json] | dict[str, Json] | None"
"""A value as JSON can hold it."""


@final
@attrs.frozen
class Questions:
    """What was asked of the disk beyond the given files: which file a module's name leads to, and what that holds; whether a name is a folder.

    A module is asked for by a root and a name: what lies below that root comes first.
    """

    modules: frozenset[tuple[str, str]] = frozenset()
    folders: frozenset[str] = frozenset()

    def __or__(self, other: Questions) -> Questions:
        return Questions(self.modules | other.modules, self.folders | other.folders)


@final
class Sources:
    """The files at and below *paths*, without those that are *excluded*, and the modules that their imports lead to.

    Everything is asked of the disk once. Two runs that ask the same `Questions` and get the same answers make the same; `confirms` tells whether
    the answers are still the same, without reading any Python. Of generated files it only counts that they are some: what they hold is no input.
    """

    def __init__(self, paths: Iterable[Path], excluded: Excluded | None = None) -> None:
        given = tuple(paths)
        found, faults = files.find_files(given, excluded or Excluded(Path()))
        self.named: Final = frozenset(map(files.absolute, given))
        self.searched: Final = tuple(files.with_sources(found))
        self.faults: Final = tuple(faults)
        self._data: dict[Path, bytes | UnreadableFile] = {}
        self._package_roots: dict[Path, Path] = {}
        self._modules: dict[tuple[str, str], Path | None] = {}
        self._folders: dict[str, bool] = {}
        self._files: dict[Path, Json] = {}
        self._real = {path: os.path.realpath(path) for path in self.searched}
        self._by_real = {real: path for path, real in self._real.items()}
        self.generated: Final = tuple(path for path in self.searched if self._is_generated(path))
        self._speaking: Final = frozenset(filter(self._speaks, self.searched))
        self._fallen_silent: Final = frozenset(filter(self._has_fallen_silent, self.searched))
        self.declaring: Final = tuple(filter(self._may_declare, self.searched))
        self._roots: Final = sorted({self.package_root(path) for path in self.searched})

    def read(self, path: Path) -> bytes | UnreadableFile:
        """Return what a file holds. It is read once: a run never sees two contents of one file."""
        if path not in self._data:
            self._data[path] = files.read_bytes(path)
        return self._data[path]

    def unreadable(self) -> Iterator[UnreadableFile]:
        """Yield what was searched and cannot be read, though it is there."""
        for path in self.searched:
            data = self.read(path)
            if isinstance(data, UnreadableFile) and not data.is_gone:
                yield data

    def _may_declare(self, path: Path) -> bool:
        """Tell whether a file may declare something: it speaks of the library, or was named, or did declare something."""
        if self._is_generated(path) or isinstance(self.read(path), UnreadableFile):
            return False
        return path in self.named or path in self._fallen_silent or path in self._speaking

    def _has_fallen_silent(self, path: Path) -> bool:
        """Tell whether a file does not speak of the library though something was generated from it: it declares nothing any more, or is broken."""
        output = path.with_name(output_name(path.name))
        return path not in self._speaking and os.path.isfile(output) and self._is_generated(output)  # noqa: PTH113  # as in `locate`

    def _speaks(self, path: Path) -> bool:
        data = self.read(path)
        return isinstance(data, bytes) and (LIBRARY.encode() in data or files.looks_declaring(data))

    def package_root(self, path: Path) -> Path:
        """Return the nearest folder above a file that is no package."""
        if path.parent not in self._package_roots:
            self._package_roots[path.parent] = files.package_root(path)
        return self._package_roots[path.parent]

    def locate(self, root: str, name: str) -> Path | None:
        """Return the file of the user's module *name*, below *root* if it is there; None where there is none, or only a generated one.

        Below one root there may lie one program, with modules that are called as those of another. A file that is among those that are searched is
        called as it is there, whichever link leads to it.
        """
        asked = (root, name)
        if asked not in self._modules:
            found = next(filter(os.path.isfile, self._candidates(root, name)), None)  # `Path.is_file` raises for names that are too long
            path = found if found is None else self._by_real.get(self._realpath(found), found)
            self._modules[asked] = None if path is None or self._is_generated(path) else path
        return self._modules[asked]

    def followed(self, asked: Questions) -> tuple[Path, ...]:
        """Return the files that the names of modules lead to."""
        return tuple(sorted({path for root, name in asked.modules if (path := self.locate(root, name)) is not None}))

    def is_folder(self, name: str) -> bool:
        """Tell whether *name* is a folder below one of the roots that is no package by itself."""
        if name not in self._folders:
            parts = name.split(".")
            self._folders[name] = any(os.path.isdir(root.joinpath(*parts)) for root in self._roots)  # noqa: PTH112  # as in `locate`
        return self._folders[name]

    def _candidates(self, first: str, name: str) -> Iterator[Path]:
        parts = name.split(".")
        if not all(parts):
            return
        for root in sorted(self._roots, key=lambda root: str(root) != first):
            yield root.joinpath(*parts, "__init__.py")
            yield root.joinpath(*parts[:-1], f"{parts[-1]}.py")

    def _is_generated(self, path: Path) -> bool:
        data = self.read(path)
        return isinstance(data, bytes) and files.is_generated(data)

    def answers(self, asked: Questions) -> dict[str, Json]:
        """Return what is seen in any case, and what the disk says to each question."""
        return {
            "first": self._first(),
            "modules": [[root, name, self._module(root, name)] for root, name in sorted(asked.modules)],
            "folders": {name: self.is_folder(name) for name in sorted(asked.folders)},
        }

    def digest(self, path: Path, asked: Questions) -> str:
        """Return a digest of all that the disk says of one of the files, and to what was asked because of it."""
        said = [
            self._file(path),
            [self._module(root, name) for root, name in sorted(asked.modules)],
            [self.is_folder(name) for name in sorted(asked.folders)],
        ]
        return hashlib.sha256(json.dumps(said).encode()).hexdigest()

    def confirms(self, answers: Json) -> bool:
        """Tell whether the disk still gives *answers*."""
        match answers:
            case {"first": first, "modules": list(modules), "folders": dict(folders)}:
                return (
                    first == self._first()
                    and all(map(self._confirms_module, modules))
                    and all(self.is_folder(name) is before for name, before in folders.items())
                )
            case _:
                return False

    def _confirms_module(self, answer: Json) -> bool:
        match answer:
            case [str(root), str(name), before]:
                return self._module(root, name) == before
            case _:
                return False

    def _first(self) -> Json:
        """Return what is seen before any file is parsed."""
        generated = frozenset(self.generated)
        return {
            "faults": [[str(fault.path), fault.message, fault.help] for fault in self.faults],
            "roots": [str(root) for root in self._roots],
            "files": [self._file(path) for path in self.searched if path not in generated],
            "fallen_silent": [str(path) for path in sorted(self._fallen_silent)],
        }

    def _module(self, root: str, name: str) -> Json:
        path = self.locate(root, name)
        return None if path is None else self._file(path)

    def _file(self, path: Path) -> Json:
        if path not in self._files:
            data = self.read(path)
            seen = hashlib.sha256(data).hexdigest() if isinstance(data, bytes) else data.message
            self._files[path] = [str(path), self._realpath(path), str(self.package_root(path)), seen]
        return self._files[path]

    def _realpath(self, path: Path) -> str:
        if path not in self._real:
            self._real[path] = os.path.realpath(path)
        return self._real[path]
