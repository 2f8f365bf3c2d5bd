"""What the annotations of a stream field and of a state's `apply` say, as far as that can be told while the program runs.

The generator reads annotations from the source; here they are read once more, so that what a command is made of, and what was generated, can be held
against what the class says now. Names that exist for type checkers alone cannot be looked up: then nothing is told, and nothing is refused.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from functools import lru_cache
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Literal, NamedTuple, Union, cast, get_args, get_origin

import attrs

from eventcore.ids import StreamId


class Shape(NamedTuple):
    """What a field holds: one stream, an optional one, many, or something else that is generic. *state* is None where it is no plain class."""

    kind: Literal["one", "optional", "many", "other"]
    state: type[object] | None


_UNIONS: Final = frozenset({Union, UnionType})


def shape_of(cls: type[Any], field: str) -> Shape | None:
    """Return what the annotation of *field* says; None where that cannot be told."""
    return _looked_up(cast("Any", cls), field)


def taken_events(state: type[Any]) -> tuple[type[object], ...]:
    """Return the classes that `apply` of a state says it takes; none where that cannot be told."""
    return _taken(cast("Any", state))


@lru_cache(maxsize=1024)
def _looked_up(cls: Any, field: str) -> Shape | None:
    annotation: Any = attrs.fields_dict(cls)[field].type
    if isinstance(annotation, str):
        home: type[object] = next((base for base in cls.__mro__ if field in inspect.get_annotations(base)), cls)
        annotation = _evaluated(annotation, home)
    return _shape(annotation)


@lru_cache(maxsize=1024)
def _taken(state: Any) -> tuple[type[object], ...]:
    home: type[object] = next((base for base in state.__mro__ if "apply" in vars(base)), state)
    apply = inspect.unwrap(vars(home).get("apply", state))
    if not inspect.isfunction(apply) or apply.__code__.co_argcount < 2:
        return ()
    try:
        annotation = inspect.get_annotations(apply).get(apply.__code__.co_varnames[1])
    except NameError:  # from Python 3.14 on: a name that exists for type checkers alone
        return ()
    members = tuple(_members(_evaluated(annotation, home)))
    return members if all(isinstance(each, type) for each in members) else ()


def _members(annotation: Any) -> Iterator[Any]:
    annotation = getattr(annotation, "__value__", annotation)
    annotation = getattr(annotation, "__supertype__", annotation)  # of a `NewType`
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in _UNIONS or origin is Annotated:
        for argument in arguments[:1] if origin is Annotated else arguments:
            yield from _members(argument)
    else:
        yield annotation


def _evaluated(annotation: Any, home: type[object]) -> Any:
    """Return what an annotation in the class *home* means, if it is a text; None where that cannot be told."""
    try:
        names = vars(sys.modules[home.__module__])
        while isinstance(annotation, str):  # text in text, where it is quoted besides
            annotation = eval(annotation, names, dict(vars(home)))  # noqa: S307  # the class's own source, as typing.get_type_hints does
    except Exception:  # noqa: BLE001  # whatever it is, the type checker is who tells
        return None
    return annotation


def _shape(annotation: Any) -> Shape | None:
    annotation = getattr(annotation, "__value__", annotation)  # `type Alias = ...`
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _shape(arguments[0])
    if annotation is StreamId or origin is StreamId:
        return Shape("one", _plain_class(arguments))
    if origin in _UNIONS:
        rest = [each for each in arguments if each is not NoneType]
        inner = _shape(rest[0]) if len(rest) == 1 < len(arguments) else None
        return inner._replace(kind="optional") if inner is not None and inner.kind == "one" else None
    if origin is tuple:
        inner = _shape(arguments[0]) if len(arguments) == 2 and arguments[1] is Ellipsis else None
        return inner._replace(kind="many") if inner is not None and inner.kind == "one" else None
    return None if origin is None else Shape("other", _plain_class(arguments))


def _plain_class(arguments: tuple[Any, ...]) -> type[object] | None:
    return arguments[0] if len(arguments) == 1 and isinstance(arguments[0], type) and get_origin(arguments[0]) is None else None


def is_same_class(one: type[object], other: type[object]) -> bool:
    """Tell whether both are one class, also where its module was loaded twice: as a script and by its name, or by two names."""
    homes = [cls.__module__.rpartition(".")[2] for cls in (one, other)]
    return one is other or (one.__qualname__ == other.__qualname__ and (homes[0] == homes[1] or "__main__" in homes))
