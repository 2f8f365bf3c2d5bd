"""Types of the model as they are written in one generated module."""

from __future__ import annotations

from typing import assert_never

from eventcore_codegen.model import (
    AliasType,
    ClassRef,
    ClassType,
    LibraryType,
    ListType,
    LiteralType,
    Project,
    Type,
    UnionType,
    UnknownType,
    union_members,
)
from eventcore_codegen.output.layout import Code, Group, subscript, union
from eventcore_codegen.output.namespace import Namespace


def annotation(type_: Type, names: Namespace) -> Code:
    """Return the code of a type, importing what it names."""
    match type_:
        case ClassType(ref=ref, arguments=arguments) | AliasType(ref=ref, arguments=arguments):
            return _applied(names.typing(ref.module, ref.qualname), arguments, names)
        case LibraryType(name=name, arguments=arguments):
            module, _, last = name.rpartition(".")
            local = names.builtin(last) if module == "builtins" else names.typing(module, last)
            return _applied(local, arguments, names)
        case UnionType(members=members):
            return union(tuple(annotation(member, names) for member in members))
        case ListType(items=items):
            return Group("[", tuple(annotation(item, names) for item in items), "]")
        case LiteralType(text=text) | UnknownType(text=text):
            return text
        case _:
            assert_never(type_)


def _applied(name: str, arguments: tuple[Type, ...], names: Namespace) -> Code:
    return subscript(name, *(annotation(argument, names) for argument in arguments)) if arguments else name


def event_refs(type_: Type) -> tuple[ClassRef, ...]:
    """Return the events in a type, each once, in the order of the source."""
    return tuple(dict.fromkeys(member.ref for member in union_members(type_) if isinstance(member, ClassType)))


def event_union(type_: Type, names: Namespace) -> tuple[Code, ...]:
    """Return the members of the union of events that *type_* names: its alias where another module may import that, else the events."""
    if isinstance(type_, AliasType) and not type_.arguments and "." not in type_.ref.qualname and not type_.ref.qualname.startswith("_"):
        return (names.typing(type_.ref.module, type_.ref.qualname),)
    return tuple(names.typing(ref.module, ref.qualname) for ref in event_refs(type_))


def stream_events(state: Type | None, events: Type | None, project: Project) -> Type | None:
    """Return what says which events a stream holds: its ``events=``, or its state's `apply`."""
    if events is not None:
        return events
    for member in () if state is None else union_members(state):
        if isinstance(member, ClassType) and member.ref in project.states:
            return project.states[member.ref].event_type
    return None
