"""The names of one generated module: what it defines, what it imports, and under which name where two would clash."""

from __future__ import annotations

import builtins
import keyword
import re
from collections.abc import Iterable, Mapping
from typing import Final, final

import attrs

from eventcore_codegen.output.layout import WIDTH, explode, tuple_of

_BUILTINS: Final = frozenset(dir(builtins))


@final
@attrs.frozen(order=True)
class Import:
    """One imported name. *local* is what it is called here."""

    module: str
    name: str
    local: str

    def __str__(self) -> str:
        return self.name if self.name == self.local else f"{self.name} as {self.local}"


@final
class Namespace:
    """Gives every imported name a local one that is free.

    *taken* are names that mean something else in the module: what it defines, and the stream fields, which would hide a global name of the same
    spelling from the annotations beside them. *kept* are framework names and their modules: a user's class of the same name has to leave them alone.
    """

    def __init__(self, taken: Iterable[str], kept: Mapping[str, str]) -> None:
        self._taken = set(taken)
        self._kept = kept
        self._runtime: dict[tuple[str, str], Import] = {}
        self._typing: dict[tuple[str, str], Import] = {}

    def runtime(self, module: str, name: str) -> str:
        """Import *name* at run time; return its local name."""
        return self._import(self._runtime, module, name)

    def typing(self, module: str, qualname: str) -> str:
        """Import a class or an alias for type checkers; return how to call it, the outer class first if it is nested."""
        outer, dot, inner = qualname.partition(".")
        return f"{self._import(self._typing, module, outer)}{dot}{inner}"

    def builtin(self, name: str) -> str:
        """Return how to call a built-in class in an annotation."""
        return self._import(self._typing, "builtins", name) if name in self._taken else name

    def runtime_imports(self, *, framework: bool) -> list[str]:
        """Return the import statements of the modules whose names begin with ``eventcore``, or of all others."""
        return _statements((item for item in self._runtime.values() if item.module.startswith("eventcore") == framework), indent=0)

    def typing_imports(self) -> list[str]:
        return _statements(self._typing.values(), indent=4)

    def _import(self, table: dict[tuple[str, str], Import], module: str, name: str) -> str:
        known = self._runtime.get((module, name)) or table.get((module, name))
        if known is None:
            local = self._free(module, name)
            self._taken.add(local)
            known = table[module, name] = Import(module, name, local)
        return known.local

    def _free(self, module: str, name: str) -> str:
        is_kept = self._kept.get(name) == module
        if name not in self._taken and (is_kept or not self._is_avoided(name)):
            return name
        owner = "".join(part.capitalize() for part in re.split(r"\W|_", module.rpartition(".")[2]))
        wanted = candidate = f"{owner}{name[:1].upper()}{name[1:]}"
        number = 2
        while candidate in self._taken or self._is_avoided(candidate):
            candidate = f"{wanted}{number}"
            number += 1
        return candidate

    def _is_avoided(self, name: str) -> bool:
        return name in self._kept or name in _BUILTINS or keyword.iskeyword(name)


def _statements(imports: Iterable[Import], *, indent: int) -> list[str]:
    by_module: dict[str, list[Import]] = {}
    for item in imports:
        by_module.setdefault(item.module, []).append(item)
    return [_statement(module, by_module[module], indent) for module in sorted(by_module)]


def _statement(module: str, imports: list[Import], indent: int) -> str:
    names = tuple(str(item) for item in sorted(imports, key=_import_order))
    line = f"{' ' * indent}from {module} import {', '.join(names)}"
    return line if len(line) <= WIDTH else explode(f"from {module} import ", tuple_of(names), indent=indent)


def _import_order(item: Import) -> tuple[int, str, str]:
    """Constants, classes, the rest: the order that import sorters give names."""
    kind = 0 if item.name.isupper() and len(item.name) > 1 else 1 if item.name[:1].isupper() else 2
    return kind, item.name.lower(), item.name
