"""From an annotation to its coder. Everything about types is decided here, once per type and codec."""

from __future__ import annotations

import inspect
import threading
import types
import typing
from collections import Counter, abc
from collections.abc import Callable, Sequence
from enum import Enum
from typing import Annotated, Any, Final, ForwardRef, Literal, NewType, NoReturn, TypeVar, Union, final, get_args, get_origin

from cattrs import Converter
from typing_extensions import TypeAliasType

from eventcore.codec import choices, containers, unions
from eventcore.codec.classes import fill
from eventcore.codec.coder import OBJECT, Coder, Scope
from eventcore.codec.fields import evaluate, is_record, shape_of
from eventcore.codec.hooks import Hooks
from eventcore.codec.scalars import scalar
from eventcore.codec.untyped import untyped
from eventcore.errors import DefinitionError

_UNTYPED: Final[tuple[object, ...]] = (Any, object)
_UNIONS: Final = (Union, types.UnionType)
_ALIASES: Final[Any] = (TypeAliasType, getattr(typing, "TypeAliasType", TypeAliasType))  # one of Python 3.12 on, one before
_ITEMS: Final[dict[object, tuple[type, bool]]] = {  # what is made of an annotation's items, and whether their order counts
    abc.Sequence: (tuple, True),
    tuple: (tuple, True),
    list: (list, True),
    abc.MutableSequence: (list, True),
    frozenset: (frozenset, False),
    abc.Set: (frozenset, False),
    set: (set, False),
    abc.MutableSet: (set, False),
}
_MAPPINGS: Final = (dict, abc.Mapping, abc.MutableMapping)
_SUPPORTED: Final = "use one of the types that docs/events.md lists, or give EventCodec a cattrs converter with hooks for it"


@final
class Compiler:
    """Makes coders and keeps those of classes, so that a class is read once and may refer to itself."""

    def __init__(self, converter: Converter | None, *, ignore_unknown: bool) -> None:
        self.hooks = Hooks(converter) if converter is not None else None
        self._ignore_unknown = ignore_unknown
        self._records: dict[object, Coder] = {}
        self._aliases: dict[object, Coder] = {}
        # While one thread makes coders, those of classes that are not read to their end lie among them. (A user's hook may ask for another.)
        self._lock = threading.RLock()

    def event(self, cls: type) -> Coder:
        """Return the coder of an event class; any thread may ask. Raises `DefinitionError`."""
        with self._lock:
            return self._event(cls)

    def _event(self, cls: type) -> Coder:
        scope = Scope(cls.__qualname__, None, {}, cls.__module__)
        if not is_record(cls) and (self.hooks is None or self.hooks.coder(cls) is None):
            raise DefinitionError(cls.__qualname__, "it is no class with known fields; decorate it with @event")
        return self.compile(cls, scope)

    def compile(self, annotation: Any, scope: Scope) -> Coder:
        """Return the coder of *annotation*, which stands in *scope*. Raises `DefinitionError`."""
        if isinstance(annotation, str | ForwardRef):
            return self._forward(annotation, scope)
        hooked = self.hooks.coder(annotation) if self.hooks is not None else None
        if hooked is not None:
            return hooked
        return self._known(type(None) if annotation is None else annotation, scope)

    def _known(self, annotation: Any, scope: Scope) -> Coder:
        if annotation in _UNTYPED:
            return untyped()
        origin: Any = get_origin(annotation)
        if origin is None:
            return self._class(annotation, scope) if isinstance(annotation, type) else self._special(annotation, scope)
        if not hasattr(annotation, "__args__"):  # typing.List and its like, without arguments
            return self._class(origin, scope)
        arguments = get_args(annotation)
        return self._special_form(origin, arguments, scope) or self._generic_class(annotation, origin, arguments, scope)

    def _special_form(self, origin: Any, arguments: tuple[Any, ...], scope: Scope) -> Coder | None:
        if origin in _UNIONS:
            return self._union(arguments, scope)
        if origin is Literal:
            return unions.union(choices.literal(arguments))
        if origin in {Annotated, Final}:
            return self.compile(arguments[0], scope)
        if isinstance(origin, _ALIASES):
            return self.compile(origin.__value__[arguments], scope)
        return None

    def _generic_class(self, annotation: Any, origin: Any, arguments: tuple[Any, ...], scope: Scope) -> Coder:
        if origin in _MAPPINGS:
            return self._mapping(arguments[0], arguments[1], scope)
        if origin is tuple and arguments[1:] != (Ellipsis,):
            return containers.fixed_tuple([self.compile(argument, scope) for argument in arguments])
        if origin in _ITEMS:
            return self._items(origin, arguments[0], scope)
        if is_record(origin):
            return self._record(annotation, origin, arguments, scope)
        cls: Any = origin
        plain = scalar(cls) if inspect.isclass(origin) else None
        return _calling(plain, annotation) if plain is not None else self._refuse(annotation, scope)

    def _class(self, cls: Any, scope: Scope) -> Coder:
        if cls in _MAPPINGS:
            return self._mapping(str, Any, scope)
        if cls in _ITEMS:
            return self._items(cls, Any, scope)
        if issubclass(cls, Enum):
            return choices.enum(cls)
        if is_record(cls):
            return self._record(cls, cls, (), scope)
        return scalar(cls) or self._refuse(cls, scope)

    def _special(self, annotation: Any, scope: Scope) -> Coder:
        if isinstance(annotation, NewType):
            base = self.compile(annotation.__supertype__, scope)
            return Coder(annotation.__name__, base.encode, base.decode, base.emits, base.takes, base.encode_test, base.decode_test)
        if isinstance(annotation, _ALIASES):
            return self._recursive(("alias", id(annotation)), lambda: self.compile(annotation.__value__, scope))
        if isinstance(annotation, TypeVar):
            bound = annotation.__bound__
            if annotation.__constraints__:
                return self._union(annotation.__constraints__, scope)
            return untyped() if bound is None else self.compile(bound, scope)
        return self._refuse(annotation, scope)

    def _forward(self, annotation: str | ForwardRef, scope: Scope) -> Coder:
        text = annotation if isinstance(annotation, str) else annotation.__forward_arg__
        return self._recursive((scope.owner, scope.module, text), lambda: self.compile(evaluate(text, scope), scope))

    def _recursive(self, key: object, make: Callable[[], Coder]) -> Coder:
        """Return what *make* makes. Where it asks for itself meanwhile, it gets a stand-in that is complete by the time it is used."""
        known = self._aliases.get(key)
        if known is not None:
            return known
        made: list[Coder] = []
        stand_in = Coder("itself", lambda value: made[0].encode(value), lambda raw: made[0].decode(raw), frozenset(), None)  # noqa: PLW0108  # made later
        self._aliases[key] = stand_in
        try:
            made.append(make())
        finally:
            del self._aliases[key]
        return made[0]

    def _union(self, arguments: Sequence[Any], scope: Scope) -> Coder:
        literals = [value for argument in arguments if get_origin(argument) is Literal for value in get_args(argument)]
        members = [self.compile(argument, scope) for argument in arguments if get_origin(argument) is not Literal]
        members += choices.literal(tuple(literals)) if literals else []
        members = list(
            {(member.name, member.takes) if member.name in {"None", "JSON"} else id(member): member for member in members}.values()
        )
        twice = [name for name, count in Counter(member.name for member in members).items() if count > 1]
        if twice:
            raise DefinitionError(
                scope.owner, f"a union with two members called {twice[0]}, which is how they are told apart; rename one", field=scope.field
            )
        return unions.union(members)

    def _mapping(self, key: Any, item: Any, scope: Scope) -> Coder:
        coder = self.compile(str if key in _UNTYPED else key, scope)
        if not containers.is_key(coder):
            keys = "use keys that are stored as one string or integer (str, int, UUID, an enum, a date)"
            problem = f"a mapping with keys of {coder.name}, but JSON keys are text; {keys}"
            raise DefinitionError(scope.owner, problem, field=scope.field)
        return containers.mapping(coder, self.compile(item, scope))

    def _items(self, origin: object, item: object, scope: Scope) -> Coder:
        cls, ordered = _ITEMS[origin]
        coder = self.compile(item, scope)
        return containers.sequence(cls, coder) if ordered else containers.unordered(cls, coder)

    def _record(self, key: object, cls: type, arguments: tuple[object, ...], scope: Scope) -> Coder:
        cache_key = key if not arguments else (key, scope.module)
        known = self._records.get(cache_key)
        if known is not None:
            return known
        name = cls.__name__ + (f"[{', '.join(_plain_name(argument) for argument in arguments)}]" if arguments else "")
        coder = Coder(name, lambda value: coder.encode(value), lambda raw: coder.decode(raw), OBJECT, frozenset({cls}))  # noqa: PLW0108  # filled later
        self._records[cache_key] = coder
        try:
            shape = shape_of(cls, arguments)
            fill(
                coder,
                cls,
                shape,
                [self.compile(field.annotation, field.scope) for field in shape.fields],
                ignore_unknown=self._ignore_unknown,
            )
        except BaseException:
            self._records.clear()  # what was made meanwhile may refer to this one, which will never be complete
            raise
        return coder

    def _refuse(self, annotation: object, scope: Scope) -> NoReturn:
        raise DefinitionError(scope.owner, f"{_plain_name(annotation)} cannot be stored as JSON; {_SUPPORTED}", field=scope.field)


def _calling(coder: Coder, annotation: Any) -> Coder:
    """Let `StreamId[Cart]` be restored as such, so that the id still knows what it folds into."""

    def decode(raw: object) -> object:
        return annotation(coder.decode(raw))

    return Coder(coder.name, coder.encode, decode, coder.emits, coder.takes, coder.encode_test)


def _plain_name(annotation: object) -> str:
    return annotation.__name__ if isinstance(annotation, type) and get_origin(annotation) is None else str(annotation)
