"""What the `apply` of a state class comes down to in its own package, as texts that change where it folds in another way.

It is read from the code that runs: byte code, defaults, and the plain values of what is named. A name counts wherever it stands: it is
looked up in the module of the function that says it, in the modules and classes of the package that are named, in the state and in its
events. So more may be seen than is called, and nothing that is called by name is missed. It ends at the package.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from functools import cached_property, partial, partialmethod
from types import CodeType, FunctionType, ModuleType
from typing import Any, Final, cast, final

_PLAIN: Final = frozenset({int, bool, float, complex, str, bytes, type(None), tuple, frozenset})
# What attrs writes depends on its version, and follows from the fields, which count by themselves.
_OF_ATTRS: Final = "<attrs generated"


def reached(cls: type[object], name: str, events: Sequence[type[object]]) -> Iterator[str]:
    """Return the texts of all that `apply` of *cls* reaches; *name* is its module's, also where that runs as ``__main__``.

    *events* are the classes that it takes.
    """
    return _Search(frozenset({_root(name), _root(cls.__module__)})).texts(cls, events)


@final
class _Search:
    def __init__(self, packages: frozenset[str]) -> None:
        self._packages = packages
        self._seen: set[int] = set()
        self._kept: list[object] = []  # an id is one object's as long as that lives
        self._names: dict[str, None] = {}
        self._owners: list[object] = []
        self._waiting: list[tuple[str, object]] = []

    def texts(self, cls: type[object], events: Sequence[type[object]]) -> Iterator[str]:
        self._waiting = [("apply", inspect.getattr_static(cls, "apply", None)), *((each.__name__, each) for each in (cls, *events))]
        while self._waiting:
            name, found = self._waiting.pop(0)
            yield from self._look(name, found)

    def _look(self, name: str, found: object) -> Iterator[str]:
        if isinstance(found, Enum) or type(found) in _PLAIN:
            yield f"{name}={_shown(found.value if isinstance(found, Enum) else found)}"
        elif id(found) not in self._seen:
            self._seen.add(id(found))
            self._kept.append(found)
            if isinstance(found, FunctionType):
                yield from self._function(found)
            elif isinstance(found, type | ModuleType):
                self._owner(found)
            else:
                self._waiting += [(name, inner) for inner in _wrapped(found)]

    def _function(self, function: FunctionType) -> Iterator[str]:
        if not self._is_ours(function.__module__):
            return
        yield from _said(function.__code__)
        inner: list[object] = [*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()]
        inner += [cell.cell_contents for cell in function.__closure__ or () if _is_filled(cell)]
        self._waiting += [(function.__name__, each) for each in inner]
        globals_: Mapping[str, object] = function.__globals__
        for name in _names(function.__code__):
            if name in globals_:
                self._waiting.append((name, globals_[name]))
            if name not in self._names:
                self._names[name] = None
                self._waiting += [(name, inspect.getattr_static(owner, name, _NOTHING)) for owner in self._owners]

    def _owner(self, owner: type | ModuleType) -> None:
        if not self._is_ours(owner.__name__ if isinstance(owner, ModuleType) else owner.__module__):
            return
        self._owners.append(owner)
        self._waiting += [(name, inspect.getattr_static(owner, name, _NOTHING)) for name in self._names]
        if isinstance(owner, type):
            self._waiting += [(name, made) for name, made in vars(owner).items() if _is_special(made)]

    def _is_ours(self, module: str | None) -> bool:
        return module is not None and _root(module) in self._packages


_NOTHING: Final = object()


def _root(module: str) -> str:
    return module.partition(".")[0]


def _is_special(made: object) -> bool:
    """Tell whether it is a method that Python calls without a name that the code would say, such as ``__add__``."""
    return (
        isinstance(made, FunctionType)
        and made.__name__.startswith("__")
        and made.__name__.endswith("__")
        and not made.__code__.co_filename.startswith(_OF_ATTRS)
    )


def _is_filled(cell: object) -> bool:
    try:
        getattr(cell, "cell_contents")  # noqa: B009
    except ValueError:
        return False
    return True


def _wrapped(found: object) -> list[object]:
    """Return the functions that *found* calls, where it is one of Python's own ways to make something of functions."""
    if isinstance(found, classmethod | staticmethod):
        return [cast("Any", found).__func__]
    if isinstance(found, property):
        return [found.fget]
    if isinstance(found, cached_property | partial | partialmethod):
        inner = cast("Any", found)
        return [inner.func, *getattr(inner, "args", ()), *getattr(inner, "keywords", {}).values()]
    return [inspect.getattr_static(found, "__wrapped__", None)]


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)


def _said(code: CodeType) -> Iterator[str]:
    yield code.co_code.hex()
    yield " ".join((*code.co_names, *code.co_varnames, *code.co_freevars))
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _said(constant)
        else:
            yield _shown(constant)


def _shown(value: object) -> str:
    """Return the same text for equal values in every process: a set has an order of its own in each."""
    if isinstance(value, frozenset):
        return repr(sorted(map(_shown, cast("frozenset[object]", value))))
    if isinstance(value, tuple):
        return f"({', '.join(map(_shown, cast('tuple[object, ...]', value)))})"
    return repr(value) if type(value) in _PLAIN else type(value).__qualname__
