"""What the scanned source declares, resolved: values without a trace of how they were read or how they will be written.

A `Project` holds `Module`s, a module its commands, states and events. They refer to one another by `ClassRef`. Types are small trees of
resolved names; a name that could not be resolved stays in its place as an `UnknownType` that says why, for `check` to report.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from enum import Enum
from pathlib import Path
from typing import Final, Literal, TypeAlias, final

import attrs

from eventcore_codegen.diagnostics import Span

LIBRARY: Final = "eventcore"

Kind = Literal["event", "state", "command", "plain"]
Binding = Literal["instance", "class", "nothing", "other"]
StreamKind = Literal["one", "optional", "many", "discovered"]


@final
@attrs.frozen(order=True)
class ClassRef:
    """A class or an alias of the user's, by the module that defines it."""

    module: str
    qualname: str

    def __str__(self) -> str:
        return self.qualname

    @property
    def name(self) -> str:
        return self.qualname.rpartition(".")[2]

    @property
    def is_private(self) -> bool:
        """Whether strict type checkers refuse that another module names it."""
        return any(part.startswith("_") for part in self.qualname.split("."))


@final
class Problem(Enum):
    """Why a name could not be resolved."""

    MISSING = "nothing of that name is bound"
    AMBIGUOUS = "it is bound more than once, to different things"
    OUTSIDE = "its module is not below the scanned folders"
    NO_TYPE = "it is bound to something that is no type"
    NO_PYTHON = "it is in quotes, and what they hold is no Python"
    VARIABLE = "it is a type variable"
    CIRCULAR = "it is an alias of itself"
    """No fault inside of another type: then it is recursive, as JSON is."""
    BROKEN = "its module has faults of its own"
    """Reported where they are; not once more where the name is used."""


@final
@attrs.frozen
class ClassType:
    """A class of the user's."""

    ref: ClassRef
    kind: Kind
    span: Span
    typing_only: bool = False
    arguments: tuple[Type, ...] = ()


@final
@attrs.frozen
class LibraryType:
    """A class of Python, of eventcore or of another library, by its public name: ``builtins.int``, ``eventcore.StreamId``."""

    name: str
    span: Span
    typing_only: bool = False
    arguments: tuple[Type, ...] = ()


@final
@attrs.frozen
class AliasType:
    """A type alias of the user's, and what it stands for."""

    ref: ClassRef
    target: Type
    span: Span
    typing_only: bool = False
    arguments: tuple[Type, ...] = ()


@final
@attrs.frozen
class UnionType:
    members: tuple[Type, ...]
    span: Span


@final
@attrs.frozen
class ListType:
    """The parameters in ``Callable[[A, B], C]``."""

    items: tuple[Type, ...]
    span: Span


@final
@attrs.frozen
class LiteralType:
    """``None``, ``...``, the ``()`` of ``tuple[()]``, or a value inside of ``Literal[]``."""

    text: str
    span: Span


@final
@attrs.frozen
class UnknownType:
    """A name, or another expression, that no type could be made of."""

    text: str
    problem: Problem
    span: Span
    hint: str = ""


Type: TypeAlias = ClassType | LibraryType | AliasType | UnionType | ListType | LiteralType | UnknownType

NONE: Final = "None"

LEADS_OUT: Final = "the relative import leads out of its package"
"""The hint of a name that is imported from beyond the folder where the module's name begins."""


def is_known_library(name: str) -> bool:
    """Tell whether a library name is Python's own or eventcore's, so that nothing that a user declared can be behind it."""
    top = name.partition(".")[0]
    return top == LIBRARY or top in sys.stdlib_module_names


def unaliased(type_: Type) -> Type:
    """Return what an alias stands for; anything else as it is."""
    while isinstance(type_, AliasType):
        type_ = type_.target
    return type_


def union_members(type_: Type) -> tuple[Type, ...]:
    """Return the members of a union, seen through aliases; of anything else, itself."""
    match type_:
        case UnionType(members=members):
            return tuple(inner for member in members for inner in union_members(member))
        case AliasType(target=target):
            return union_members(target)
        case _:
            return (type_,)


def parts(type_: Type) -> Iterator[Type]:
    """Yield a type and everything in it, aliases seen through."""
    yield type_
    inner = _inner(type_)
    for part in (type_.target, *inner) if isinstance(type_, AliasType) else inner:
        yield from parts(part)


def written_parts(type_: Type) -> Iterator[Type]:
    """Yield a type and everything in it, as it is written: what aliases stand for is left out."""
    yield type_
    for part in _inner(type_):
        yield from written_parts(part)


def _inner(type_: Type) -> tuple[Type, ...]:
    match type_:
        case UnionType(members=inner) | ListType(items=inner):
            return inner
        case ClassType(arguments=inner) | LibraryType(arguments=inner) | AliasType(arguments=inner):
            return inner
        case LiteralType() | UnknownType():
            return ()


def unknown_parts(type_: Type) -> Iterator[UnknownType]:
    """Yield what in a type keeps it from being written elsewhere."""
    for part in parts(type_):
        if isinstance(part, UnknownType) and part.problem is not Problem.CIRCULAR:
            yield part


@final
@attrs.frozen
class DataField:
    """A field of an event or a state."""

    name: str
    type: Type
    span: Span


@final
@attrs.frozen
class Event:
    """An `@event` class. *name* or *version* is None where the source does not say it literally; *marker_span* is where it says it. *is_generic*: it
    has type variables.
    """

    ref: ClassRef
    name: str | None
    version: int | None
    fields: tuple[DataField, ...]
    is_generic: bool
    span: Span
    marker_span: Span


@final
@attrs.frozen
class Parameter:
    name: str
    type: Type | None
    kind: Literal["positional", "keyword", "star"]
    has_default: bool
    span: Span

    @property
    def is_required(self) -> bool:
        return self.kind != "star" and not self.has_default


@final
@attrs.frozen
class Outside:
    """Something of a library's that a body names, by its public name. *is_bare_call*: it is called, without arguments."""

    name: str
    span: Span
    is_bare_call: bool


@final
@attrs.frozen
class ForeignAwait:
    """An awaited call of something that is neither the command's nor the project's."""

    text: str
    span: Span


@final
@attrs.frozen
class Body:
    """What a method does. *written* are the members of its second parameter that it may write, None where that cannot be told.

    *is_stub*: there is nothing in it but a raise, an ellipsis or an empty answer.
    """

    is_stub: bool
    written: frozenset[str] | None
    outside: tuple[Outside, ...]
    awaits: tuple[ForeignAwait, ...]


@final
@attrs.frozen
class Method:
    """A method of a declaration. *binding* is what it is called with before all else: the instance, the class, nothing; "other" where it is called in
    some other way, or not at all. An *inherited* one has its place in another class, perhaps in another file. *rivals* says where it is defined
    with different signatures, if a condition decides which of them counts.
    """

    name: str
    parameters: tuple[Parameter, ...]
    returns: Type | None
    is_async: bool
    yields: bool
    binding: Binding
    inherited: bool
    body: Body
    span: Span
    rivals: str = ""

    @property
    def positional(self) -> tuple[Parameter, ...]:
        """The parameters that are given by place, without ``self``."""
        found = tuple(parameter for parameter in self.parameters if parameter.kind == "positional")
        return found if self.binding == "nothing" else found[1:]

    @property
    def is_plain(self) -> bool:
        return self.binding == "instance"

    def takes(self, count: int) -> bool:
        """Tell whether it can be called with *count* arguments by place, each for a parameter of its own."""
        others = (*self.positional[count:], *(parameter for parameter in self.parameters if parameter.kind == "keyword"))
        return len(self.positional) >= count and not any(parameter.is_required for parameter in others)

    @property
    def signature(self) -> str:
        """The names of all parameters as they are written, the stars among them."""
        shown: list[str] = []
        for parameter in self.parameters:
            if parameter.kind == "keyword" and not any(text.startswith("*") for text in shown):
                shown.append("*")
            shown.append(parameter.name)
        return ", ".join(shown)


@final
@attrs.frozen
class Methods:
    """The methods of a class by name, inherited ones too. *is_complete* is False where a base class could not be read."""

    found: Mapping[str, Method] = attrs.field(eq=False)
    is_complete: bool

    def __contains__(self, name: str) -> bool:
        return name in self.found

    def get(self, name: str) -> Method | None:
        return self.found.get(name)


@final
@attrs.frozen
class MissingDefault:
    """A field of a state that has no default. *base* is the class that it is inherited from, empty if it is none."""

    name: str
    span: Span
    base: str = ""


@final
@attrs.frozen
class State:
    """A `@state` class. *category* is what ids of its streams begin with, None where the source does not say it literally;
    *ignores_unknown* is True where it does not literally say False. *fingerprint* is that of its source where it asks for snapshots, else "".
    """

    ref: ClassRef
    fields: tuple[DataField, ...]
    methods: Methods
    category: str | None
    ignores_unknown: bool
    span: Span
    fingerprint: str = ""
    missing_defaults: tuple[MissingDefault, ...] = ()

    @property
    def event_type(self) -> Type | None:
        """What `apply` says it takes."""
        apply = self.methods.get("apply")
        return apply.positional[0].type if apply is not None and apply.positional else None


@final
@attrs.frozen
class StreamField:
    """A stream field of a command. *kind* is None where its annotation is none of the forms that streams have.

    *state* is what stands in ``StreamId[...]``, None for a bare ``StreamId``; *events* what stands in ``events=``. *annotation* is the
    text of its annotation; *is_quiet*: that is unreadable because of a fault that is reported elsewhere. *is_literal* is False where
    ``read_only=`` is neither True nor False.
    """

    name: str
    kind: StreamKind | None
    discovered: bool
    read_only: bool
    state: Type | None
    events: Type | None
    annotation: str | None
    annotation_span: Span
    is_quiet: bool
    is_literal: bool
    span: Span


@final
@attrs.frozen
class HiddenStream:
    """A field of a command that gets what `stream()` or `discovered()` makes, but by no plain call of that: *value* is its text.

    Or by one in a *dataclass* that the command inherits from, which takes it for the field's default.
    """

    name: str
    marker: str
    value: str
    span: Span
    dataclass: str = ""


@final
@attrs.frozen
class PlainField:
    """Any other field of a command."""

    name: str
    span: Span


@final
@attrs.frozen
class Command:
    """A `@command` class. *commands* are the commands it inherits from."""

    ref: ClassRef
    streams: tuple[StreamField, ...]
    hidden_streams: tuple[HiddenStream, ...]
    plain_fields: tuple[PlainField, ...]
    methods: Methods
    commands: tuple[ClassRef, ...]
    span: Span

    @property
    def folds_itself(self) -> bool:
        return any(stream.events is not None for stream in self.streams)

    @property
    def prefix(self) -> str:
        """What the names of its generated classes begin with."""
        return self.ref.qualname.replace(".", "")


@final
@attrs.frozen
class Misplaced:
    """A declaration inside of a function, where nothing can find it."""

    kind: Kind
    name: str
    span: Span


@final
@attrs.frozen
class StarImport:
    """``from module import *`` through which a name was found, or might have been. *module* is as the import writes it: ``..products``."""

    module: str
    name: str
    span: Span


@final
@attrs.frozen
class Unclear:
    """A decorator or a field's call that may be one of eventcore's and may be something else. *where* says what binds its name."""

    name: str
    where: str
    span: Span


@final
@attrs.frozen
class Ignore:
    """A comment that suppresses the warnings *codes* in its line."""

    codes: tuple[str, ...]
    span: Span


@final
@attrs.frozen
class MadeId:
    """A call that makes a stream's id: of *state* and a key, or by hand from a text that begins with *prefix*, perhaps for a *state*."""

    state: ClassRef | None
    prefix: str
    span: Span

    @property
    def is_by_hand(self) -> bool:
        return bool(self.prefix)


@final
@attrs.frozen
class Source:
    """A source file: where it is, how the user calls it, and its lines. *relative* is its POSIX path below its package root."""

    path: Path
    shown: str
    relative: str
    lines: tuple[str, ...] = attrs.field(repr=False, eq=False)

    def line(self, number: int) -> str:
        return self.lines[number - 1] if 0 < number <= len(self.lines) else ""

    def text(self, span: Span) -> str:
        """Return what stands at a place, on one line."""
        lines = list(self.lines[span.line - 1 : span.end_line])
        if not lines:
            return ""
        lines[-1] = lines[-1][: span.end_column - 1]
        lines[0] = lines[0][span.column - 1 :]
        return " ".join(line.strip() for line in lines)

    @property
    def root(self) -> Path:
        """The folder from which the module's name is counted: what lies below one root may be one program."""
        return self.path.parents[self.relative.count("/")]

    @property
    def output(self) -> Path:
        """Where the generated module belongs."""
        return self.path.with_name(output_name(self.path.name))


def source_name(name: str) -> str:
    """Return the file name of the module that the file *name* is generated from."""
    return "__init__.py" if name == "_streams.py" else f"{name.removesuffix('_streams.py')}.py"


def output_name(name: str) -> str:
    """Return the file name of the module that is generated from the file *name*."""
    return "_streams.py" if name == "__init__.py" else f"{name.removesuffix('.py')}_streams.py"


@final
@attrs.frozen
class Module:
    """One scanned file. *is_scanned* is False for files that were only followed from an import: nothing is written for them."""

    name: str
    source: Source
    is_scanned: bool
    commands: tuple[Command, ...]
    states: tuple[State, ...]
    events: tuple[Event, ...]
    misplaced: tuple[Misplaced, ...]
    stars: tuple[StarImport, ...]
    unclear: tuple[Unclear, ...]
    made_ids: tuple[MadeId, ...]
    ignores: tuple[Ignore, ...]

    @property
    def declared(self) -> tuple[tuple[ClassRef, Span], ...]:
        """The commands and states, which something is generated for, in the order of the source."""
        commands = [(command.ref, command.span) for command in self.commands]
        states = [(state.ref, state.span) for state in self.states]
        return tuple(sorted(commands + states, key=lambda item: item[1]))

    @property
    def generates(self) -> bool:
        return bool(self.commands or self.states)

    @property
    def generated_name(self) -> str:
        """The name of the module that is generated from this one."""
        return f"{self.name}{'.' if self.source.path.name == '__init__.py' else ''}_streams"


@final
@attrs.frozen
class Project:
    """All that was scanned, sorted. *events* and *states* are those of all modules."""

    modules: tuple[Module, ...]
    events: Mapping[ClassRef, Event] = attrs.field(eq=False)
    states: Mapping[ClassRef, State] = attrs.field(eq=False)
