"""Declarations as data: `@event`, `@state`, `@command`, `stream()` and `discovered()`.

The decorators make frozen, slotted attrs classes and leave markers on them. They look at markers and names only: what the annotations mean is read
once, by `eventcore generate`, and reaches the runtime through the generated module. So a module with declarations imports without its generated
sibling, in either order, and no annotation is evaluated while it is imported.
"""

from __future__ import annotations

import dataclasses
import inspect
import re
from collections.abc import Callable, Sequence
from typing import Any, Final, ForwardRef, Generic, Literal, TypeVar, cast, dataclass_transform, final, overload

import attrs
from typing_extensions import TypeVar as DefaultTypeVar

from eventcore.annotations import Shape, shape_of
from eventcore.arguments import Arguments, is_whole
from eventcore.errors import AliasedStreams, CommandRejected, DefinitionError, InvalidArgument, InvalidCommand, InvalidStreamId, shortened
from eventcore.frozen import frozen
from eventcore.ids import CATEGORY_ATTRIBUTE, StreamId, is_stream_id

T = TypeVar("T")
C = TypeVar("C", bound=type[object])
S_co = DefaultTypeVar("S_co", covariant=True, default=object)

_FIELD: Final = "eventcore.stream"
_EVENT: Final = "__eventcore_event__"
_STATE: Final = "__eventcore_state__"
_COMMAND: Final = "__eventcore_command__"


@final
@attrs.frozen
class StreamMarker:
    """What `stream()` or `discovered()` said about one field."""

    read_only: bool
    discovered: bool
    has_events: bool


@final
@attrs.frozen
class EventMarker:
    name: str
    version: int


@final
@attrs.frozen
class StateMarker:
    category: str
    ignore_unknown: bool
    snapshot_every: int | None = None
    version: int = 1


@final
@attrs.frozen
class CommandMarker:
    """What `@command` found: the stream fields in their order, and the shape of `handle`."""

    streams: tuple[tuple[str, StreamMarker], ...]
    takes_resolver: bool
    folds_itself: bool
    constructed: tuple[str, ...]
    """The names of the stream fields that the constructor takes."""


@final
class Discovered(Generic[S_co]):
    """The type of a `discovered()` field: streams that the command finds while it runs. It holds nothing; see the resolver and the state."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "discovered()"


_DISCOVERED: Final[Discovered[object]] = Discovered()


# `Any` is what makes `field: StreamId[Cart] = stream()` type-check; attrs.field does the same. The field's annotation is what counts.
def stream(*, read_only: bool = False, events: object = None, default: object = attrs.NOTHING) -> Any:
    """Declare a field of a command as a stream that it reads, and writes unless *read_only*.

    The annotation says what kind: ``StreamId[State]``, ``StreamId[State] | None`` (present or not; *default* may then be None),
    ``tuple[StreamId[State], ...]`` (a number of streams known up front). With ``events=`` (an event class or a union of some) the
    annotation is a bare ``StreamId`` and the command folds by itself. A read-only stream's version is still checked when the command commits.
    """
    _require_flag("stream()", "read_only", read_only)
    marker = StreamMarker(read_only=read_only, discovered=False, has_events=events is not None)
    if default is attrs.NOTHING:
        return attrs.field(metadata={_FIELD: marker})
    return attrs.field(default=default, metadata={_FIELD: marker})


def discovered(*, read_only: bool = False, events: object = None, init: Literal[False] = False) -> Any:
    """Declare streams that the command finds while it runs, annotated ``Discovered[State]``; no constructor argument belongs to them.

    In `handle`, ``resolver.<field>.add(ids)`` asks for them. *init* is there for type checkers alone.
    """
    _require_flag("discovered()", "read_only", read_only)
    marker = StreamMarker(read_only=read_only, discovered=True, has_events=events is not None)
    return attrs.field(init=init, default=_DISCOVERED, repr=False, eq=False, metadata={_FIELD: marker})


@overload
@dataclass_transform(frozen_default=True, field_specifiers=(attrs.field,))
def event(cls: type[T], /) -> type[T]: ...
@overload
@dataclass_transform(frozen_default=True, field_specifiers=(attrs.field,))
def event(name: str | None = None, /, *, version: int = 1) -> Callable[[type[T]], type[T]]: ...
def event(cls_or_name: type[T] | str | None = None, /, *, version: int = 1) -> type[T] | Callable[[type[T]], type[T]]:
    """Make a class an event: frozen, slotted, stored under a stable name.

    The name is the class's, or the one given: ``@event("cart.item-added", version=2)``. It and the version are what a store keeps,
    so a class may be renamed or moved as long as they stay.
    """

    def decorate(cls: type[T], name: str | None) -> type[T]:
        _require_plain_class(cls, "@event")
        if name is not None and not (name and name.isprintable() and name == name.strip() and len(name) <= 255):
            raise DefinitionError(cls.__qualname__, f"{name!r} is no event name; use 1 to 255 printable characters without outer spaces")
        if not is_whole(version, 1):
            raise DefinitionError(cls.__qualname__, f"versions of an event count from 1, got {version!r}")
        made = _freeze(cls)
        setattr(made, _EVENT, EventMarker(name or cls.__name__, version))
        return made

    if isinstance(cls_or_name, type):
        return decorate(cls_or_name, None)
    if not isinstance(cast("object", cls_or_name), str | None):
        raise DefinitionError("@event", f"it decorates classes and takes the name that they are stored under, a text; got {cls_or_name!r}")
    return lambda cls: decorate(cls, cls_or_name)


@overload
@dataclass_transform(frozen_default=True, field_specifiers=(attrs.field,))
def state(cls: type[T], /) -> type[T]: ...
@overload
@dataclass_transform(frozen_default=True, field_specifiers=(attrs.field,))
def state(
    *, category: str | None = None, ignore_unknown: bool = False, snapshot_every: int | None = None, version: int = 1
) -> Callable[[type[T]], type[T]]: ...
def state(
    cls: type[T] | None = None,
    /,
    *,
    category: str | None = None,
    ignore_unknown: bool = False,
    snapshot_every: int | None = None,
    version: int = 1,
) -> type[T] | Callable[[type[T]], type[T]]:
    """Make a class the state that streams of one category fold into: frozen, slotted, with `apply` from one event to the next state.

    A new stream begins as ``State()``, so every field has a default. *category* names its streams (`StreamId.of`); it is the class name in
    snake_case unless given. *ignore_unknown* skips events that `apply` does not take, and lets the store leave them out.

    With *snapshot_every*, the store keeps the folded state each time a stream has grown by that many events, so that a process that meets the stream
    for the first time need not fold all of it. A change of the class, of anything that it reaches in its module, or of what `apply` reaches in its
    package makes old ones invalid; *version* is for changes that nobody can see there: raise it when what other packages do folds differently.
    """

    def decorate(cls: type[T]) -> type[T]:
        _require_plain_class(cls, "@state")
        _require_flag(cls.__qualname__, "ignore_unknown", ignore_unknown)
        _check_snapshots(cls, snapshot_every, version)
        if not callable(getattr(cls, "apply", None)):
            raise DefinitionError(cls.__qualname__, "a @state needs `def apply(self, event: <its events>) -> <itself>`", field="apply")
        made = _freeze(cls)
        for field in _fields(made):
            if field.init and field.default is attrs.NOTHING:
                raise DefinitionError(
                    cls.__qualname__, f"it has no default, but a stream without events is {cls.__name__}(); give it one", field=field.name
                )
        name = _snake_case(cls.__name__) if category is None else category
        if not (isinstance(cast("object", name), str) and name):
            raise DefinitionError(cls.__qualname__, f"a category is a text that the ids of its streams begin with, got {name!r}")
        try:
            StreamId(f"{name}-0")
        except InvalidStreamId as error:
            raise DefinitionError(
                cls.__qualname__, f"{name!r} is no category, which the ids of its streams begin with: {error.problem}"
            ) from error
        setattr(made, _STATE, StateMarker(name, ignore_unknown, snapshot_every, version))
        setattr(made, CATEGORY_ATTRIBUTE, name)
        return made

    return decorate if cls is None else decorate(cls)


@overload
@dataclass_transform(frozen_default=True, field_specifiers=(stream, discovered, attrs.field))
def command(cls: type[T], /) -> type[T]: ...
@overload
@dataclass_transform(frozen_default=True, field_specifiers=(stream, discovered, attrs.field))
def command(*, allow_aliases: bool = False) -> Callable[[type[T]], type[T]]: ...
def command(cls: type[T] | None = None, /, *, allow_aliases: bool = False) -> type[T] | Callable[[type[T]], type[T]]:
    """Make a class a command: plain data, the streams it reads and writes, and `handle`, which decides.

    One stream in two fields is refused when the command is made, unless *allow_aliases*. Run `eventcore generate` on the module, then give
    instances to `CommandExecutor.execute`.
    """

    def decorate(cls: type[T]) -> type[T]:
        _require_plain_class(cls, "@command")
        _require_flag(cls.__qualname__, "allow_aliases", allow_aliases)
        _add_constructor_check(cls, allow_aliases=allow_aliases)
        made = _freeze(cls)
        setattr(made, _COMMAND, _read_command(made))
        return made

    return decorate if cls is None else decorate(cls)


def require(condition: object, otherwise: str | BaseException, /, *args: object) -> None:
    """Raise unless *condition* holds: `CommandRejected` with the text *otherwise*, or *otherwise* itself where it is an exception.

    With *args* the text is a `str.format` template, filled in only when the condition fails; alone it is taken as it stands.
    """
    if condition:
        return
    if isinstance(otherwise, BaseException):
        raise otherwise
    Arguments("require").instances(str | BaseException, otherwise=otherwise)
    try:
        text = otherwise.format(*args) if args else otherwise
    except Exception as error:
        given = ", ".join(map(shortened, args))
        raise InvalidArgument(
            f"require: the text {otherwise!r} cannot be filled in with {given} ({error!r}); give it what it asks for"
        ) from error
    raise CommandRejected(text)


def event_marker(cls: type[object]) -> EventMarker | None:
    marker = getattr(cls, "__dict__", {}).get(_EVENT)
    return marker if isinstance(marker, EventMarker) else None


def state_marker(cls: type[object]) -> StateMarker | None:
    marker = cls.__dict__.get(_STATE)
    return marker if isinstance(marker, StateMarker) else None


def command_marker(cls: type[object]) -> CommandMarker | None:
    marker = cls.__dict__.get(_COMMAND)
    return marker if isinstance(marker, CommandMarker) else None


def _require_plain_class(cls: object, decorator: str) -> None:
    if not isinstance(cls, type):
        raise DefinitionError(repr(cls), f"{decorator} decorates classes, not {type(cls).__name__}")
    if "__attrs_attrs__" in cls.__dict__ or "__dataclass_fields__" in cls.__dict__:
        raise DefinitionError(cls.__qualname__, f"{decorator} makes an attrs class itself; remove the other decorator")
    for name, value in cls.__dict__.items():
        if _is_attrs_field(value) and name not in cls.__dict__.get("__annotations__", {}):  # noqa: RUF063  # evaluates none
            raise DefinitionError(
                cls.__qualname__, "it has no annotation; say what it holds, as in `cart: StreamId[Cart] = stream()`", field=name
            )


def _require_flag(owner: str, name: str, value: object) -> None:
    if not isinstance(value, bool):
        raise DefinitionError(owner, f"{name}={value!r} is neither True nor False")


def _check_snapshots(cls: type[object], every: int | None, version: int) -> None:
    if every is not None and not is_whole(every, 1):
        raise DefinitionError(cls.__qualname__, f"snapshot_every={every!r} counts the events between two snapshots; give 1 or more")
    if not is_whole(version, 1):
        raise DefinitionError(cls.__qualname__, f"versions of a state count from 1, got {version!r}")


def _freeze(cls: type[T]) -> type[T]:
    try:
        _adopt_dataclass_fields(cls)
        return frozen(cls)
    except DefinitionError:
        raise
    except (ValueError, TypeError, SyntaxError) as error:
        # What attrs says of a field without a default after one that has it is true, and ten lines long.
        if late := re.match(r"No mandatory attributes allowed after .*Attribute\(name='(\w+)'", str(error)):
            problem = "it has no default and comes after a field that has one; move it up, or give it a default"
            raise DefinitionError(cls.__qualname__, problem, field=late[1]) from error
        raise DefinitionError(cls.__qualname__, f"attrs cannot make a class of it: {error}") from error


def _adopt_dataclass_fields(cls: type[object]) -> None:
    """Make the fields of frozen dataclasses that *cls* inherits from fields of its own.

    Shared fields are best kept in such a base: mypy sees fields of dataclasses through any `dataclass_transform`, those of attrs classes
    only through its attrs plugin, which does not know our decorators.
    """
    adopted: dict[str, object] = {}
    for base in reversed(cls.__mro__[1:]):
        if "__dataclass_fields__" in base.__dict__:
            for field in dataclasses.fields(cast("Any", base)):
                adopted[field.name] = _annotation_from(base, field)
                if field.name not in cls.__dict__:
                    _require_no_stream(cls, base, field)
                    setattr(cls, field.name, _as_attrs_field(field))
    cls.__annotations__ = {**adopted, **cls.__dict__.get("__annotations__", {})}  # noqa: RUF063  # evaluates none


def _is_attrs_field(value: object) -> bool:
    """Tell whether *value* is what `stream()` and `attrs.field()` return, until attrs makes a class with it."""
    return type(value).__name__ == "_CountingAttr"


def _require_no_stream(cls: type[object], base: type[object], field: dataclasses.Field[Any]) -> None:
    default: Any = field.default
    if _is_attrs_field(default) and _FIELD in default.metadata:
        problem = f"it is a stream of the dataclass {base.__qualname__}, which takes it for a default; declare it in the command itself"
        raise DefinitionError(cls.__qualname__, problem, field=field.name)


def _annotation_from(base: type[object], field: dataclasses.Field[Any]) -> object:
    """Return the annotation of an inherited field; one that is text keeps the module whose names it uses."""
    if not isinstance(field.type, str):
        return field.type
    owner = next(cls for cls in base.__mro__ if field.name in inspect.get_annotations(cls))
    return ForwardRef(field.type, module=owner.__module__)


def _as_attrs_field(field: dataclasses.Field[Any]) -> object:
    if field.default is not dataclasses.MISSING:
        default: object = field.default
    elif field.default_factory is not dataclasses.MISSING:
        default = attrs.Factory(field.default_factory)
    else:
        default = attrs.NOTHING
    return attrs.field(default=default, init=field.init, repr=field.repr, kw_only=bool(field.kw_only))


def _fields(cls: type[object]) -> tuple[attrs.Attribute[object], ...]:
    fields: tuple[attrs.Attribute[object], ...] = attrs.fields(cast("type[attrs.AttrsInstance]", cls))
    return fields


def _read_command(cls: type[object]) -> CommandMarker:
    owner = cls.__qualname__
    inherited = [base.__qualname__ for base in cls.__mro__[1:] if command_marker(base)]
    if inherited:
        raise DefinitionError(
            owner, f"a command cannot inherit from the command {inherited[0]}; move what they share into a plain base class"
        )
    streams = tuple((field.name, field.metadata[_FIELD]) for field in _fields(cls) if _FIELD in field.metadata)
    if not streams:
        raise DefinitionError(owner, "a command needs at least one stream; declare `<name>: StreamId[<State>] = stream()`")
    for name, marker in streams:
        if name.startswith("_"):
            raise DefinitionError(owner, "a stream's name is part of the generated classes and cannot begin with an underscore", field=name)
        if marker.has_events != streams[0][1].has_events:
            raise DefinitionError(
                owner,
                "either all streams of a command fold into their own states, or all say events= and the command folds them",
                field=name,
            )
    folds_itself = streams[0][1].has_events
    for name in ("initial", "apply"):
        if callable(getattr(cls, name, None)) != folds_itself:
            needed = "a command whose streams say events= folds them itself and needs it"
            superfluous = "only a command whose streams say events= has it"
            raise DefinitionError(owner, needed if folds_itself else superfluous, field=name)
    constructed = tuple(name for name, marker in streams if not marker.discovered)
    return CommandMarker(streams, _takes_resolver(cls), folds_itself, constructed)


def _takes_resolver(cls: type[object]) -> bool:
    owner = cls.__qualname__
    found: object = getattr(cls, "handle", None)
    # A decorator of the user's may stand around it.
    handle: object = inspect.unwrap(found) if inspect.isfunction(found) else None
    if not inspect.isfunction(handle):
        raise DefinitionError(owner, "a command needs `def handle(self, streams, state) -> <Command>Writes`", field="handle")
    if isinstance(inspect.getattr_static(cls, "handle"), staticmethod):
        raise DefinitionError(owner, "it is a @staticmethod; make it a plain method, `def handle(self, streams, state)`", field="handle")
    if inspect.isasyncgenfunction(handle):
        raise DefinitionError(
            owner, "it is an async generator; use `def` with yield, or `async def` that returns the writes", field="handle"
        )
    if handle.__code__.co_flags & inspect.CO_VARARGS:
        problem = (
            "it takes *args, which does not tell whether it wants a resolver; name its parameters (in a decorator, use functools.wraps)"
        )
        raise DefinitionError(owner, problem, field="handle")
    parameters = handle.__code__.co_argcount - 1
    if parameters not in (2, 3) or handle.__code__.co_kwonlyargcount:
        problem = f"it takes {parameters} parameters, expected (self, streams, state) or (self, streams, state, resolver)"
        raise DefinitionError(owner, problem, field="handle")
    return parameters == 3


def _add_constructor_check(cls: type[object], *, allow_aliases: bool) -> None:
    """Check the streams of every new command in `__attrs_post_init__`, after the user's own if there is one."""
    own = getattr(cls, "__attrs_post_init__", None)
    name = cls.__qualname__
    if own is not None:
        setattr(cls, "__eventcore_post_init__", own)  # noqa: B010  # in the class's own namespace, so that attrs mends its `super()`

    def check(self: object) -> None:
        if own is not None:
            own(self)
        # Nearly every command is made of different ids, one to a field; only what is not has to be looked at closely.
        marker: CommandMarker = getattr(self, _COMMAND)
        if _are_different_ids([getattr(self, field) for field in marker.constructed]):
            return
        seen: dict[str, str] = {}
        for field in marker.constructed:
            for stream_id in _ids_given(name, field, getattr(self, field), shape_of(type(self), field)):
                other = seen.setdefault(stream_id, field)
                if other != field and not allow_aliases:
                    raise AliasedStreams(name, field, other, stream_id)

    setattr(cls, "__attrs_post_init__", check)  # noqa: B010  # a plain assignment does not type-check on a class of unknown shape


def _are_different_ids(values: list[object]) -> bool:
    for value in values:
        if type(value) is not StreamId:
            return False
    if len(values) == 2:
        return values[0] != values[1]  # in a fifth of the time that a set takes
    return len(set(values)) == len(values)


def _ids_given(command: str, field: str, value: object, shape: Shape | None) -> Sequence[StreamId]:
    """Return the ids that *field* was given. Raises `InvalidCommand` where they are none, or not as many as the annotation says."""
    many = isinstance(value, tuple) if shape is None else shape.kind == "many"
    if value is None and (shape is None or shape.kind == "optional"):
        return ()
    ids = cast("tuple[object, ...]", value) if many and isinstance(value, tuple) else (value,)
    for each in ids:
        if not is_stream_id(each) or (many and not isinstance(value, tuple)):
            raise no_stream(command, field, each, many=many)
    return cast("tuple[StreamId, ...]", ids)


def no_stream(command: str, field: str, value: object, *, many: bool) -> InvalidCommand:
    """Say what is wrong with a field of a command that was given *value*."""
    expected = "a tuple of StreamIds" if many else "a StreamId"
    return InvalidCommand(command, field, f"expected {expected}, got {value!r} ({type(value).__name__}); use StreamId.of(<State>, key)")


def _snake_case(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()
