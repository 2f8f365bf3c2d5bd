"""Hypothesis strategies for the types that events, states and commands are made of: all that the codec keeps, and nothing that it refuses."""

from __future__ import annotations

import types
import typing
from collections import abc
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import PurePosixPath
from typing import Annotated, Any, Final, ForwardRef, Literal, NewType, TypeVar, Union, cast, final, get_args, get_origin
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from typing_extensions import TypeAliasType

from eventcore.codec.coder import Scope
from eventcore.codec.fields import evaluate, is_record, shape_of
from eventcore.errors import InvalidArgument
from eventcore.ids import StreamId

_TEXT: Final = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=20)
_INTEGERS: Final = st.integers(-(2**63), 2**63 - 1)
_FLOATS: Final = st.floats(allow_nan=False, allow_infinity=False).map(lambda number: number + 0.0)  # -0.0 becomes 0.0
_SCALARS: Final[Mapping[object, SearchStrategy[Any]]] = {
    bool: st.booleans(),
    int: _INTEGERS,
    float: _FLOATS,
    str: _TEXT,
    bytes: st.binary(max_size=20),
    type(None): st.none(),
    None: st.none(),
    Decimal: st.decimals(allow_nan=False, allow_infinity=False),
    datetime: st.datetimes(timezones=st.just(UTC)),
    date: st.dates(),
    time: st.times().map(lambda moment: moment.replace(fold=0)),
    timedelta: st.timedeltas(),
    UUID: st.uuids(),
    PurePosixPath: st.from_regex(r"/?[a-z]+(/[a-z]+)?", fullmatch=True).map(PurePosixPath),
}
_JSON: Final[SearchStrategy[Any]] = st.recursive(
    st.none() | st.booleans() | _INTEGERS | _TEXT, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3)
)
_ALIASES: Final[Any] = (TypeAliasType, getattr(typing, "TypeAliasType", TypeAliasType))
_SEQUENCES: Final = (tuple, abc.Sequence)
_SETS: Final = (frozenset, abc.Set)
_MAPPINGS: Final = (dict, abc.Mapping)
_NOT_TAKEN: Final = object()


@final
class Values:
    """Makes strategies. *given* are the user's, by type; *streams* has the ids that belong to a state (None: to no state)."""

    def __init__(self, given: Mapping[Any, SearchStrategy[Any]], streams: Callable[[type[object] | None], Sequence[StreamId]]) -> None:
        self._given = given
        self._streams = streams
        self._records: dict[object, SearchStrategy[Any]] = {}
        self._taken: set[type] = set()
        self._refused: dict[type, ValueError] = {}

    def of(self, annotation: Any, scope: Scope) -> SearchStrategy[Any]:
        """Return a strategy for *annotation*, which stands in *scope*. Raises `InvalidArgument` where there is none."""
        if isinstance(annotation, str | ForwardRef):
            text = annotation if isinstance(annotation, str) else annotation.__forward_arg__
            annotation = evaluate(text, scope)
        if _hashable(annotation) and annotation in self._given:
            return self._given[annotation]
        return self._known(annotation, scope)

    def made(self, cls: type[Any], arguments: SearchStrategy[dict[str, Any]]) -> SearchStrategy[Any]:
        """Return what *cls* makes of *arguments*. Those that it does not take together are no case: others are drawn."""

        def made(values: dict[str, Any]) -> object:
            try:
                made = cls(**values)
            except ValueError as error:
                self._refused[cls] = error
                return _NOT_TAKEN
            self._taken.add(cls)
            return made

        return arguments.map(made).filter(lambda value: value is not _NOT_TAKEN)

    def picky(self) -> str:
        """Say which classes took nothing so far, or not all, where each took something."""
        names = [f"{cls.__qualname__} ({error})" for cls, error in self._refused.items() if cls not in self._taken]
        return ", ".join(names or [cls.__qualname__ for cls in self._refused])

    def _known(self, annotation: Any, scope: Scope) -> SearchStrategy[Any]:
        origin: Any = get_origin(annotation)
        if annotation is StreamId or origin is StreamId:
            [state] = get_args(annotation) or (None,)
            return st.sampled_from(self._streams(state if isinstance(state, type) else None))
        if annotation in (Any, object):
            return _JSON
        if origin is not None:
            return self._special(annotation, origin, get_args(annotation), scope)
        if isinstance(annotation, NewType):
            return self.of(annotation.__supertype__, scope)
        if isinstance(annotation, TypeVar):
            return self._variable(annotation, scope)
        if isinstance(annotation, _ALIASES):
            return self.of(annotation.__value__, scope)
        return self._class(annotation, scope)

    def _special(self, annotation: Any, origin: Any, arguments: tuple[Any, ...], scope: Scope) -> SearchStrategy[Any]:
        if origin in (Union, types.UnionType):
            return st.one_of([self.of(argument, scope) for argument in arguments])
        if origin is Literal:
            return st.sampled_from(arguments)
        if origin in (Annotated, Final):
            return self.of(arguments[0], scope)
        if origin is tuple and arguments[1:] != (Ellipsis,):
            return st.tuples(*(self.of(argument, scope) for argument in arguments))
        if origin in _SEQUENCES:
            return st.lists(self.of(arguments[0], scope), max_size=4).map(tuple)
        if origin in _SETS:
            return st.frozensets(self.of(arguments[0], scope), max_size=4)
        if origin in _MAPPINGS:
            return st.dictionaries(self.of(arguments[0], scope), self.of(arguments[1], scope), max_size=4)
        if is_record(origin):
            return self._record(annotation, origin, arguments)
        raise self._unknown(annotation, scope)

    def _variable(self, variable: TypeVar, scope: Scope) -> SearchStrategy[Any]:
        if variable.__constraints__:
            return st.one_of([self.of(each, scope) for each in variable.__constraints__])
        return _JSON if variable.__bound__ is None else self.of(variable.__bound__, scope)

    def _class(self, cls: Any, scope: Scope) -> SearchStrategy[Any]:
        if cls in _SCALARS:
            return _SCALARS[cls]
        if not isinstance(cls, type):
            raise self._unknown(cls, scope)
        if issubclass(cls, Enum):
            return st.sampled_from(list(cls))
        if is_record(cls):
            return self._record(cast("object", cls), cast("Any", cls), ())
        for base in (str, int, float):
            if issubclass(cls, base):
                return st.builds(cls, _SCALARS[base])
        raise self._unknown(cast("object", cls), scope)

    def _record(self, key: object, cls: type, arguments: tuple[object, ...]) -> SearchStrategy[Any]:
        if key not in self._records:
            self._records[key] = st.deferred(lambda: self._made(cls, arguments))
        return self._records[key]

    def _made(self, cls: Any, arguments: tuple[object, ...]) -> SearchStrategy[Any]:
        fields = {field.parameter: self.of(field.annotation, field.scope) for field in shape_of(cls, arguments).fields}
        return self.made(cls, st.fixed_dictionaries(fields))

    def _unknown(self, annotation: object, scope: Scope) -> InvalidArgument:
        where = scope.owner if scope.field is None else f"{scope.owner}.{scope.field}"
        shown = getattr(annotation, "__name__", annotation)
        return InvalidArgument(
            f"check_command cannot make up values of {shown} for {where}; say how: check_command(strategies={{{shown}: ...}})"
        )


def _hashable(value: object) -> bool:
    try:
        hash(value)
    except TypeError:
        return False
    return True
