"""Everything that generating asks of the disk, asked once and remembered: what it makes is a function of these answers alone."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final, TypeAlias, final

from eventcore_codegen.sources import files
from eventcore_codegen.sources.files import UnreadableFile

Json: TypeAlias = "str | int | list[Json] | dict[str, Json] | None"
"""A value as JSON can hold it."""


@final
class Sources:
    """The files at and below *paths*, without those that are *excluded*, and the modules that their imports lead to.

    `answers` are the questions that were asked so far. Two runs whose answers are the same make the same; `confirms` tells whether they are,
    without reading any Python. Of generated files it only counts that they are some: what they hold is no input.
    """

    def __init__(self, paths: Iterable[Path], excluded: Callable[[Path], bool] = lambda _: False) -> None:
        given = tuple(paths)
        found, faults = files.find_files(given, excluded)
        self.named: Final = frozenset(map(files.absolute, given))
        self.searched: Final = tuple(files.with_sources(found))
        self.faults: Final = tuple(faults)
        self._data: dict[Path, bytes | UnreadableFile] = {}
        self._package_roots: dict[Path, Path] = {}
        self._modules: dict[str, Path | None] = {}
        self._folders: dict[str, bool] = {}
        self.generated: Final = tuple(path for path in self.searched if self._is_generated(path))
        self._roots: Final = sorted({self.package_root(path) for path in self.searched})

    def read(self, path: Path) -> bytes | UnreadableFile:
        """Return what a file holds. It is read once: a run never sees two contents of one file."""
        if path not in self._data:
            self._data[path] = files.read_bytes(path)
        return self._data[path]

    def package_root(self, path: Path) -> Path:
        """Return the nearest folder above a file that is no package."""
        if path.parent not in self._package_roots:
            self._package_roots[path.parent] = files.package_root(path)
        return self._package_roots[path.parent]

    def locate(self, name: str) -> Path | None:
        """Return the file of the user's module *name*; None where there is none, or only a generated one."""
        if name not in self._modules:
            path = next(filter(os.path.isfile, self._candidates(name)), None)  # `Path.is_file` raises for names that are too long
            self._modules[name] = None if path is None or self._is_generated(path) else path
        return self._modules[name]

    @property
    def followed(self) -> tuple[Path, ...]:
        """The files that were located by their modules' names so far."""
        return tuple(sorted({path for path in self._modules.values() if path is not None}))

    def is_folder(self, name: str) -> bool:
        """Tell whether *name* is a folder below one of the roots that is no package by itself."""
        if name not in self._folders:
            parts = name.split(".")
            self._folders[name] = any(os.path.isdir(root.joinpath(*parts)) for root in self._roots)  # noqa: PTH112  # as in `locate`
        return self._folders[name]

    def _candidates(self, name: str) -> Iterator[Path]:
        parts = name.split(".")
        if not all(parts):
            return
        for root in self._roots:
            yield root.joinpath(*parts, "__init__.py")
            yield root.joinpath(*parts[:-1], f"{parts[-1]}.py")

    def _is_generated(self, path: Path) -> bool:
        data = self.read(path)
        return isinstance(data, bytes) and files.is_generated(data)

    def answers(self) -> dict[str, Json]:
        """Return all questions that were asked of the disk so far, with their answers."""
        return {
            "first": self._first(),
            "modules": {name: self._module(name) for name in self._modules},
            "folders": dict(self._folders),
        }

    def confirms(self, answers: Json) -> bool:
        """Tell whether the disk still gives *answers*."""
        match answers:
            case {"first": first, "modules": dict(modules), "folders": dict(folders)}:
                return (
                    first == self._first()
                    and all(self._module(name) == before for name, before in modules.items())
                    and all(self.is_folder(name) is before for name, before in folders.items())
                )
            case _:
                return False

    def _first(self) -> Json:
        """Return what is seen before any file is parsed."""
        generated = frozenset(self.generated)
        return {
            "faults": [[str(fault.path), fault.message, fault.help] for fault in self.faults],
            "roots": [str(root) for root in self._roots],
            "files": [self._file(path) for path in self.searched if path not in generated],
        }

    def _module(self, name: str) -> Json:
        path = self.locate(name)
        return None if path is None else self._file(path)

    def _file(self, path: Path) -> Json:
        data = self.read(path)
        seen = hashlib.sha256(data).hexdigest() if isinstance(data, bytes) else data.message
        return [str(path), os.path.realpath(path), str(self.package_root(path)), seen]
