"""The names of one generated module: what it defines, what it imports, and under which name where two would clash."""

from __future__ import annotations

import builtins
import keyword
import re
import sys
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

    def runtime_imports(self) -> list[str]:
        return _statements(self._runtime.values(), indent=0)

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
    """Return the import statements in the order that import sorters want, with an empty one between Python's own modules and all others."""
    plain: dict[str, list[Import]] = {}
    renamed: list[list[Import]] = []
    for item in imports:
        if item.name == item.local:
            plain.setdefault(item.module, []).append(item)
        else:
            renamed.append([item])
    ordered = sorted([*(sorted(group, key=_name_order) for group in plain.values()), *renamed], key=_statement_order)
    own = [_statement(group, indent) for group in ordered if _is_standard(group[0].module)]
    others = [_statement(group, indent) for group in ordered if not _is_standard(group[0].module)]
    return [*own, "", *others] if own and others else own or others


def _statement(imports: list[Import], indent: int) -> str:
    names = tuple(map(str, imports))
    prefix = f"from {imports[0].module} import "
    line = f"{' ' * indent}{prefix}{', '.join(names)}"
    return line if len(line) <= WIDTH else explode(prefix, tuple_of(names), indent=indent)


def _is_standard(module: str) -> bool:
    return module.partition(".")[0] in sys.stdlib_module_names


def _statement_order(imports: list[Import]) -> tuple[object, ...]:
    return (natural_order(imports[0].module.lower()), natural_order(imports[0].module), _name_order(imports[0]))


def _name_order(item: Import) -> tuple[object, ...]:
    """Constants, classes, the rest."""
    name = item.name
    kind = 0 if name.isupper() and len(name) > 1 else 1 if name[:1].isupper() else 2
    return (kind, natural_order(name.lower()), natural_order(name), item.local)


def natural_order(text: str) -> tuple[tuple[int, str], ...]:
    """Order numbers in names by their size: ``a2`` before ``a10``."""
    return tuple((int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", text) if part)
