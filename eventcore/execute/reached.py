"""What folding depends on, as it was loaded: the byte code of `apply`, and all that it reaches by name in its own package.

That is functions with what is wrapped in them, classes with their methods, the functions that a table or `functools.singledispatch` holds, and
the plain values among them. Nothing is called. The order is that of the source, so that all processes that run the same code say the same.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from functools import partial
from types import CodeType, FunctionType, MappingProxyType, MethodType, ModuleType
from typing import Any, Final, cast, final, get_args
from uuid import UUID

_PLAIN: Final = frozenset({bool, int, float, complex, str, bytes, Decimal, date, datetime, time, timedelta, UUID})
_WRAPPED: Final = ("__wrapped__", "func", "dispatcher", "registry")
_WORD: Final = re.compile(r"\w+")


def reached(cls: type[object], name: str, events: Iterable[type[object]]) -> Iterator[str]:
    """Yield a text for everything that `apply` of *cls* depends on in its package, as far as it can be seen.

    *name* is its module's, also where that runs as ``__main__``; *events* are the classes that it takes.
    """
    reach = _Reach(cls, name)
    reach.add(getattr(cls, "apply", None), *events)
    reach.add_annotated(cls)
    yield from reach.texts()


@final
class _Reach:
    def __init__(self, cls: type[object], name: str) -> None:
        self._cls = cls
        self._packages = frozenset({_root(name), _root(cls.__module__)})
        self._waiting: list[object] = []
        self._seen: dict[int, object] = {}  # held, so that no other object gets the id of one

    def add(self, *found: object) -> None:
        self._waiting += [each for each in reversed(found) if each is not None]

    def texts(self) -> Iterator[str]:
        while self._waiting:
            found = self._waiting.pop()
            if type(found) in _PLAIN:
                yield f"{type(found).__name__} {found!r}"
            elif id(found) not in self._seen:
                self._seen[id(found)] = found
                yield from self._of(found)

    def _of(self, found: Any) -> Iterator[str]:
        match found:
            case FunctionType():
                if self._is_own(found):
                    yield from _said(found.__code__)
                    self._add_function(found)
            case type():
                if self._is_own(found):
                    yield from self._of_class(found)
            case Enum():
                yield f"{type(found).__qualname__}.{found.name}"
                self.add(found.value)
            case dict() | MappingProxyType():
                self.add(*(part for item in tuple(cast("Mapping[object, object]", found).items()) for part in item))
            case list() | tuple():
                self.add(*cast("Iterable[object]", found))
            case set() | frozenset():
                yield repr(sorted(repr(item) for item in cast("Iterable[object]", found) if type(item) in _PLAIN))
            case staticmethod() | classmethod() | MethodType():
                self.add(cast("Any", found).__func__)
            case property():
                self.add(found.fget)
            case partial():
                self.add(found.func, found.args, found.keywords)
            case _:
                # What `functools.cache` and its like make, and unions of classes.
                self.add(*(inspect.getattr_static(found, name, None) for name in _WRAPPED), *get_args(found))

    def _is_own(self, found: FunctionType | type[object]) -> bool:
        return _root(str(found.__module__)) in self._packages

    def _add_function(self, function: FunctionType) -> None:
        self.add(function.__defaults__, function.__kwdefaults__, *(vars(function).get(name) for name in _WRAPPED), *_held(function))
        self._add_annotations(function.__annotations__, function.__globals__)
        names = tuple(_names(function.__code__))
        for name in names:
            if not name.startswith("__"):  # where a file lies is no part of what it says
                self._add_named(function.__globals__.get(name), names)
            self.add(inspect.getattr_static(self._cls, name, None))

    def _add_named(self, found: object, names: tuple[str, ...]) -> None:
        """Add what a global name stands for; of a module, what is named in it."""
        modules, known = [found], set[int]()
        while modules:
            module = modules.pop()
            if not isinstance(module, ModuleType):
                self.add(module)
            elif _root(module.__name__) in self._packages and id(module) not in known:
                known.add(id(module))
                modules += [vars(module)[name] for name in names if name in vars(module)]

    def _of_class(self, cls: type[object]) -> Iterator[str]:
        yield cls.__qualname__
        self.add(*cls.__bases__)
        self.add_annotated(cls)
        for name, member in vars(cls).items():
            # Into its `__hash__`, attrs writes a number that each process draws anew.
            if (isinstance(member, FunctionType) and name != "__hash__") or not name.startswith("__"):
                yield name
                self.add(member)

    def add_annotated(self, cls: type[object]) -> None:
        """Add what the fields of *cls* are of."""
        for base in filter(self._is_own, cls.__mro__):
            module = sys.modules.get(base.__module__)
            self._add_annotations(vars(base).get("__annotations__", {}), {} if module is None else vars(module))

    def _add_annotations(self, annotations: Mapping[str, object], names: Mapping[str, object]) -> None:
        """Add what is named in annotations, texts or not, without evaluating any."""
        for annotation in annotations.values():
            found = (names.get(word) for word in _WORD.findall(str(annotation)))
            self.add(*(each for each in found if not isinstance(each, ModuleType)))


def _root(module: str) -> str:
    return module.partition(".")[0]


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
        elif isinstance(constant, frozenset):
            yield repr(sorted(map(repr, cast("frozenset[object]", constant))))
        else:
            yield repr(constant)


def _held(function: FunctionType) -> Iterator[object]:
    """Yield what a function closes over."""
    for cell in function.__closure__ or ():
        try:
            yield cell.cell_contents
        except ValueError:  # it is bound later than the function is made, and was not yet
            continue
