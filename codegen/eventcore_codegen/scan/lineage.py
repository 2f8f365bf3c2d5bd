"""The base classes of a class, as far as they can be read."""

from __future__ import annotations

from typing import Final, final

import attrs

from eventcore_codegen.model import ClassRef
from eventcore_codegen.scan.names import AliasTarget, ClassTarget, LibraryTarget, Names
from eventcore_codegen.scan.syntax import ClassSyntax, Expr, Name, Subscript
from eventcore_codegen.scan.types import Site, public_name
from eventcore_codegen.scan.universe import LoadedModule

_EMPTY: Final = frozenset({"builtins.object", "typing.Generic", "typing.Protocol", "abc.ABC"})


@final
@attrs.frozen
class Ancestor:
    module: LoadedModule
    syntax: ClassSyntax

    @property
    def site(self) -> Site:
        return Site(self.module, self.syntax)

    @property
    def ref(self) -> ClassRef:
        return ClassRef(self.module.name, self.syntax.qualname)


@final
@attrs.frozen
class Bases:
    """All base classes, nearest first. *is_complete* is False where one of them could not be read."""

    ancestors: tuple[Ancestor, ...]
    is_complete: bool


@final
class Lineage:
    def __init__(self, names: Names) -> None:
        self._names = names
        self._known: dict[ClassSyntax, Bases] = {}

    def of(self, own: Ancestor) -> Bases:
        bases = self._known.get(own.syntax)
        if bases is None:
            bases = self._known[own.syntax] = self._collect(own)
        return bases

    def _collect(self, own: Ancestor) -> Bases:
        found: list[Ancestor] = []
        complete = self._visit(own, found, frozenset())
        # Of a class that is reached twice the last place counts, as in Python's own order for a diamond.
        last = {ancestor: number for number, ancestor in enumerate(found)}
        return Bases(tuple(ancestor for number, ancestor in enumerate(found) if last[ancestor] == number), complete)

    def _visit(self, own: Ancestor, found: list[Ancestor], visited: frozenset[ClassSyntax]) -> bool:
        if own.syntax in visited:
            return False
        complete = True
        for expression in own.syntax.bases:
            base = self._class_of(expression, own.module)
            if isinstance(base, Ancestor):
                found.append(base)
                complete = self._visit(base, found, visited | {own.syntax}) and complete
            else:
                complete = complete and base
        return complete

    def _class_of(self, expression: Expr, module: LoadedModule, depth: int = 0) -> Ancestor | bool:
        """Return the class that a base stands for, or whether it is one without members of its own."""
        name = expression.base if isinstance(expression, Subscript) else expression
        if not isinstance(name, Name) or depth > 20:  # an alias of itself never ends
            return False
        match self._names.resolve(module, name.text).target:
            case ClassTarget(module=owner, syntax=syntax):
                return Ancestor(owner, syntax)
            case AliasTarget(module=owner, value=value):
                return self._class_of(value, owner, depth + 1)
            case LibraryTarget(name=library):
                return public_name(library) in _EMPTY
            case _:
                return False
