"""Rules over types: what stands where a state or events should, and what Python has to know when it runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from eventcore_codegen.check.fault import Fault
from eventcore_codegen.diagnostics import Span
from eventcore_codegen.model import (
    AliasType,
    ClassRef,
    ClassType,
    LibraryType,
    LiteralType,
    Problem,
    Type,
    UnionType,
    UnknownType,
    is_known_library,
    parts,
    unaliased,
    union_members,
)

_ANYTHING: Final = frozenset({"typing.Any", "builtins.object"})
_FROZEN: Final = {
    "builtins.list": "tuple",
    "builtins.dict": "Mapping",
    "builtins.set": "frozenset",
    "builtins.bytearray": "bytes",
    "typing.List": "tuple",
    "typing.Dict": "Mapping",
    "typing.Set": "frozenset",
    "typing.DefaultDict": "Mapping",
    "typing.OrderedDict": "Mapping",
    "typing.Counter": "Mapping",
    "typing.Deque": "tuple",
    "typing.MutableMapping": "Mapping",
    "typing.MutableSequence": "tuple",
    "typing.MutableSet": "frozenset",
    "collections.defaultdict": "Mapping",
    "collections.OrderedDict": "Mapping",
    "collections.Counter": "Mapping",
    "collections.deque": "tuple",
    "collections.abc.MutableMapping": "Mapping",
    "collections.abc.MutableSequence": "tuple",
    "collections.abc.MutableSet": "frozenset",
}


def unresolved(type_: Type, what: str) -> Iterator[Fault]:
    """EC103, EC104: names of states or events that lead nowhere, or to more than one place."""
    for part in union_members(type_):
        match part:
            case UnknownType(problem=Problem.MISSING):
                help_ = f"{part.hint}; define or import it" if part.hint else "define or import it"
                yield Fault("EC103", part.span, f"the {what} {part.text!r} is unknown: nothing of that name is bound here", help_)
            case UnknownType(problem=Problem.AMBIGUOUS):
                message = f"the {what} {part.text!r} is ambiguous: {part.hint}, to different things"
                yield Fault("EC104", part.span, message, "bind it once")
            case UnknownType(problem=Problem.CIRCULAR):
                message = f"the {what} {part.text!r} is unknown: {part.problem.value}"
                yield Fault("EC103", part.span, message, "name what it is to stand for")
            case LibraryType() if not is_known_library(part.name):
                message = f"the {what} {part.name!r} cannot be read: its module is not below the folders that hold the scanned files"
                yield Fault(
                    "EC103",
                    part.span,
                    message,
                    "only source beside the scanned files is read, and a folder is a package only with an __init__.py",
                )
            case _:
                pass


def no_state(type_: Type) -> Iterator[Fault]:
    """EC122: a stream's state that is no `@state` class."""
    help_ = "name a class that is decorated with @state"
    match unaliased(type_):
        case ClassType(kind="state"):
            pass
        case ClassType(ref=ref, kind=kind):
            yield Fault("EC122", type_.span, f"{ref} is no @state class{_decorated(kind)}, so no stream folds into it", help_)
        case UnionType():
            yield Fault("EC122", type_.span, "a stream folds into one @state class, this is a union", help_)
        case LibraryType(name=name) if is_known_library(name):
            yield Fault("EC122", type_.span, f"{_short(name)} is no @state class, so no stream folds into it", help_)
        case UnknownType(problem=Problem.NO_TYPE | Problem.NO_PYTHON, text=text):
            yield Fault("EC122", type_.span, f"{text} is no @state class, so no stream folds into it", help_)
        case UnknownType(problem=Problem.VARIABLE, text=text):
            yield Fault("EC122", type_.span, f"the type variable {text} is no @state class, so no stream folds into it", help_)
        case LiteralType(text=text):
            yield Fault("EC122", type_.span, f"{text} is no @state class, so no stream folds into it", help_)
        case _:
            pass


def no_events(type_: Type) -> Iterator[Fault]:
    """EC123: something among events that is no `@event` class."""
    help_ = "name classes that are decorated with @event, or a union of some"
    for member in union_members(type_):
        match member:
            case ClassType(ref=ref, kind=kind) if kind != "event":
                yield Fault("EC123", member.span, f"{ref} is no @event class{_decorated(kind)}", help_)
            case LibraryType(name=name) if is_known_library(name):
                yield Fault("EC123", member.span, f"{_short(name)} is no @event class", help_)
            case LiteralType(text=text) | UnknownType(text=text, problem=Problem.NO_TYPE | Problem.NO_PYTHON):
                yield Fault("EC123", member.span, f"{text} is no @event class", help_)
            case UnknownType(text=text, problem=Problem.VARIABLE):
                yield Fault("EC123", member.span, f"the type variable {text} is no @event class", help_)
            case _:
                pass


def private(types: Iterable[Type], what: str) -> Iterator[Fault]:
    """EC130: a class or an alias that generated modules have to import, by a name that is private to its own."""
    for part in types:
        if isinstance(part, ClassType | AliasType) and part.ref.is_private:
            yield private_fault(part.ref, part.span, what)


def private_fault(ref: ClassRef, span: Span, what: str) -> Fault:
    message = f"{what} {ref} is private, but generated code in another module has to name it"
    return Fault("EC130", span, message, "rename it: what generated code names does not begin with an underscore")


def names_events(type_: Type | None) -> bool:
    """Tell whether an annotation is one that events can be read from, be they right or wrong."""
    if type_ is None:
        return False
    target = unaliased(type_)
    if isinstance(target, LibraryType):
        return target.name not in _ANYTHING
    return not (isinstance(target, UnknownType) and target.problem in (Problem.NO_TYPE, Problem.NO_PYTHON, Problem.VARIABLE))


def typing_only(type_: Type, where: str) -> Iterator[Fault]:
    """EC107: names that Python evaluates at run time, imported for type checkers alone."""
    seen: set[str] = set()
    for part in parts(type_):
        if isinstance(part, ClassType | AliasType | LibraryType) and part.typing_only:
            name = _short(part.name) if isinstance(part, LibraryType) else str(part.ref)
            if name not in seen:
                seen.add(name)
                message = f"{name} is needed at run time, for {where}, but is imported under TYPE_CHECKING only"
                yield Fault("EC107", part.span, message, "import it outside of `if TYPE_CHECKING:`")


def no_python(type_: Type, where: str) -> Iterator[Fault]:
    """EC117: a type in quotes that cannot be parsed, so that what is stored could not be read back as anything."""
    for part in parts(type_):
        if isinstance(part, UnknownType) and part.problem is Problem.NO_PYTHON:
            yield Fault("EC117", part.span, f"the annotation of {where} is no Python: {part.text}", "write a type, with or without quotes")


def mutable(type_: Type, where: str) -> Iterator[Fault]:
    """EC115: mutable collections in what is shared."""
    seen: set[str] = set()
    for part in parts(type_):
        if isinstance(part, LibraryType) and part.name in _FROZEN and part.name not in seen:
            seen.add(part.name)
            message = f"{where} is mutable: {_short(part.name)}, but events and states are shared"
            yield Fault("EC115", part.span, message, f"use {_FROZEN[part.name]} instead of {_short(part.name)}")


def _short(name: str) -> str:
    return name.rpartition(".")[2]


def _decorated(kind: str) -> str:
    return "" if kind == "plain" else f", but a @{kind} class"
