"""The fields of classes that are stored as objects: attrs classes, dataclasses and named tuples, generic ones too.

The annotations are evaluated here, once per class: they are strings wherever ``from __future__ import annotations`` stands.
"""

from __future__ import annotations

import builtins
import dataclasses
import inspect
import sys
from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from typing import Any, ForwardRef, Generic, TypeVar, cast, final, get_args, get_origin

import attrs

from eventcore.codec.coder import Scope
from eventcore.codec.misfit import MISSING
from eventcore.errors import DefinitionError
from eventcore.events import JsonValue, Metadata

_TEXT_ALIASES: Mapping[object, object] = {JsonValue: Any, Metadata: Mapping[str, Any]}  # strings at run time: they name themselves


@final
@attrs.frozen
class Field:
    """One field of a class. *default* makes the value of a missing one, if it has any; *left_to_class*: its default needs the instance."""

    name: str
    parameter: str
    annotation: object
    scope: Scope
    default: Callable[[], object] | None
    keyword_only: bool
    left_to_class: bool


@final
@attrs.frozen
class Shape:
    """What a class is made of. *computed* are fields that its constructor does not take.

    *trusted* says that the constructor keeps what it is given as it is. Where it is not sure, every value is restored before it is stored.
    """

    fields: tuple[Field, ...]
    computed: tuple[str, ...]
    trusted: bool


def is_record(cls: Any) -> bool:
    """Tell whether *cls* is a class whose fields are known: attrs, dataclass or named tuple."""
    return attrs.has(cls) or dataclasses.is_dataclass(cls) or _is_named_tuple(cls)


def _is_named_tuple(cls: type) -> bool:
    return tuple in getattr(cls, "__mro__", ()) and hasattr(cls, "_fields") and hasattr(cls, "_field_defaults")


def shape_of(cls: Any, arguments: tuple[object, ...]) -> Shape:
    """Return the fields of *cls*, its type variables replaced by *arguments*. Raises `DefinitionError`."""
    variables = _variables(cls, arguments)
    if attrs.has(cls):
        return _attrs_shape(cls, variables)
    if dataclasses.is_dataclass(cls):
        return _dataclass_shape(cls, variables)
    return _named_tuple_shape(cls, variables)


def outline(annotation: Any) -> str:
    """Return a text that changes where the fields of a class do, or those of classes within: names, types, and the members of enums."""
    parts: dict[object, str] = {}
    _outline(annotation, parts)
    return "; ".join(parts.values())


def _outline(annotation: Any, parts: dict[object, str]) -> None:
    origin, arguments = get_origin(annotation) or annotation, get_args(annotation)
    if is_record(origin) and repr(annotation) not in parts:
        fields = shape_of(origin, arguments).fields
        parts[repr(annotation)] = f"{annotation!r}: {[(field.name, repr(field.annotation)) for field in fields]}"
        for field in fields:
            _outline(field.annotation, parts)
    elif isinstance(origin, type) and issubclass(origin, Enum):
        parts[repr(annotation)] = f"{annotation!r}: {[(member.name, repr(member.value)) for member in origin]}"
    for argument in arguments:
        _outline(argument, parts)


def evaluate(text: str, scope: Scope) -> object:
    """Return what the annotation *text* means in *scope*. Raises `DefinitionError`."""
    if text in _TEXT_ALIASES:
        return _TEXT_ALIASES[text]
    try:
        return eval(text, {"__builtins__": builtins}, scope.names)  # noqa: S307  # annotations are code of the class that is being read
    except Exception as error:
        problem = f"its annotation {text!r} cannot be evaluated: {error}"
        help_ = "; a type that is stored must be importable at run time (not under TYPE_CHECKING only, not inside a function)"
        raise DefinitionError(scope.owner, problem + (help_ if isinstance(error, NameError) else ""), field=scope.field) from error


def _attrs_shape(cls: Any, variables: Mapping[object, object]) -> Shape:
    attributes: tuple[attrs.Attribute[Any], ...] = attrs.fields(cls)
    fields: list[Field] = []
    for attribute in attributes:
        if not attribute.init:
            continue
        default, left_to_class = _attrs_default(attribute)
        annotation, scope = _resolve(cls, attribute.name, attribute.type, variables)
        parameter = attribute.alias or attribute.name
        fields.append(Field(attribute.name, parameter, annotation, scope, default, attribute.kw_only, left_to_class))
    own_code = ("__attrs_post_init__", "__attrs_pre_init__", "__attrs_init__")
    plain = cls.__new__ is object.__new__ and not any(hasattr(cls, name) for name in own_code)
    converters: list[object] = [getattr(attribute, "converter") for attribute in attributes]  # noqa: B009  # attrs types it partially
    trusted = plain and all(attribute.init for attribute in attributes) and not any(converters)
    return Shape(tuple(fields), tuple(attribute.name for attribute in attributes if not attribute.init), trusted)


def _attrs_default(attribute: attrs.Attribute[Any]) -> tuple[Callable[[], object] | None, bool]:
    default: object = attribute.default
    if default is attrs.NOTHING:
        return None, False
    if isinstance(default, attrs.Factory):  # type: ignore[arg-type]  # typed as a function in attrs, it is a class
        factory = cast("Any", default)
        return (lambda: MISSING, True) if factory.takes_self else (factory.factory, False)
    return (lambda: default), False


def _dataclass_shape(cls: Any, variables: Mapping[object, object]) -> Shape:
    fields: list[Field] = []
    listed = dataclasses.fields(cls)
    for field in listed:
        if not field.init:
            continue
        default: Callable[[], object] | None = None
        if field.default_factory is not dataclasses.MISSING:
            default = field.default_factory
        elif field.default is not dataclasses.MISSING:
            default = _constant(field.default)
        annotation, scope = _resolve(cls, field.name, field.type, variables)
        fields.append(Field(field.name, field.name, annotation, scope, default, bool(field.kw_only), left_to_class=False))
    parameters = set(inspect.signature(cls).parameters)
    generated = "__init__" in cls.__dict__ and parameters == {field.name for field in fields}
    trusted = generated and not hasattr(cls, "__post_init__") and len(fields) == len(listed) and cls.__new__ is object.__new__
    return Shape(tuple(fields), tuple(field.name for field in listed if not field.init), trusted)


def _named_tuple_shape(cls: Any, variables: Mapping[object, object]) -> Shape:
    fields: list[Field] = []
    for name in cls._fields:
        default = _constant(cls._field_defaults[name]) if name in cls._field_defaults else None
        declared = next((annotations[name] for base in cls.__mro__ if name in (annotations := inspect.get_annotations(base))), None)
        annotation, scope = _resolve(cls, name, declared, variables)
        fields.append(Field(name, name, annotation, scope, default, keyword_only=False, left_to_class=False))
    maker = next(base for base in cls.__mro__ if "__new__" in base.__dict__)
    return Shape(tuple(fields), (), trusted="_fields" in maker.__dict__ and "__init__" not in cls.__dict__)


def _constant(value: object) -> Callable[[], object]:
    return lambda: value


def _resolve(cls: type, name: str, annotation: object, variables: Mapping[object, object]) -> tuple[object, Scope]:
    base = next((base for base in cls.__mro__ if _declares(base, name)), cls)
    scope = Scope(cls.__qualname__, name, _Names(base, cls), base.__module__)
    if annotation is None:
        return (type(None) if name in inspect.get_annotations(base) else Any), scope
    resolved = evaluate(annotation, scope) if isinstance(annotation, str) else annotation
    if isinstance(resolved, ForwardRef):
        resolved = evaluate(resolved.__forward_arg__, scope)
    return _substitute(resolved, variables), scope


def _declares(cls: type, name: str) -> bool:
    """Tell whether the annotation of *name* stands in the body of *cls*: one that was taken over from a base refers to the base's module."""
    annotations = inspect.get_annotations(cls)
    annotation = annotations.get(name)
    return name in annotations and not (isinstance(annotation, ForwardRef) and annotation.__forward_module__)


def _substitute(annotation: object, variables: Mapping[object, object]) -> object:
    if isinstance(annotation, TypeVar):
        return variables.get(annotation, annotation)
    parameters = getattr(annotation, "__parameters__", ())
    if not parameters or (isinstance(annotation, type) and get_origin(annotation) is None):
        return annotation
    return cast("Any", annotation)[tuple(variables.get(parameter, parameter) for parameter in parameters)]


def _variables(cls: type, arguments: tuple[object, ...]) -> dict[object, object]:
    """Return what the type variables of *cls* and of its bases stand for."""
    own = cast("tuple[object, ...]", getattr(cls, "__parameters__", ()))
    variables = dict(zip(own, arguments, strict=False))
    for base in getattr(cls, "__orig_bases__", ()):
        origin = get_origin(base)
        if isinstance(origin, type) and origin is not Generic:
            inherited = tuple(_substitute(argument, variables) for argument in get_args(base))
            variables = _variables(origin, inherited) | variables
    return variables


@final
class _Names(Mapping[str, object]):
    """The names that an annotation in the body of *base* can use.

    `JsonValue` and `Metadata`, which are strings at run time, are given as types, so that ``JsonValue | None`` evaluates too.
    """

    def __init__(self, base: type, cls: type) -> None:
        module = sys.modules.get(base.__module__)
        builtins: dict[str, object] = vars(sys.modules["builtins"])
        inner = {name: value for owner in (cls, base) for name, value in vars(owner).items() if isinstance(value, type)}
        own = {cls.__name__: cls, base.__name__: base} | inner
        self._places: tuple[Mapping[str, object], ...] = (own, vars(module) if module else {}, vars(base), builtins)

    def __getitem__(self, name: str) -> object:
        for place in self._places:
            if name in place:
                value = place[name]
                return _alias(value) if isinstance(value, str) else value
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter({name: None for place in self._places for name in place})

    def __len__(self) -> int:
        return len(list(iter(self)))


def _alias(text: str) -> object:
    try:
        return _TEXT_ALIASES.get(text) or ForwardRef(text)
    except SyntaxError:  # a string that is no type, as in Annotated[int, TEXT]
        return text
