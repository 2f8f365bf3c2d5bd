"""Rules over methods: over all alike, and over `handle`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from eventcore_codegen.check.fault import Fault
from eventcore_codegen.check.outline import ForeignType
from eventcore_codegen.model import ClassRef, Command, LibraryType, Method, Methods, Type, parts

_ROLES: Final = ("streams", "state", "resolver")
_SIGNATURE: Final = "(self, streams, state) or (self, streams, state, resolver)"


def missing_handle(command: Command) -> Iterator[Fault]:
    """EC108"""
    if "handle" not in command.methods and command.methods.is_complete:
        help_ = f"add `def handle(self, streams: {command.prefix}Streams, state: {command.prefix}State) -> {command.prefix}Writes`"
        yield Fault("EC108", command.span, f"the command {command.ref} has no `handle`", help_)


def wrong_parameters(command: Command, handle: Method) -> Iterator[Fault]:
    """EC109"""
    names = [parameter.name for parameter in handle.positional]
    if not handle.is_plain:
        yield Fault(
            "EC109",
            handle.span,
            f"`handle` of {command.ref} is no method of its instances",
            f"make it a plain method that takes {_SIGNATURE}",
        )
    elif len(names) not in (2, 3) or any(parameter.kind == "keyword" for parameter in handle.parameters):
        yield Fault("EC109", handle.span, f"`handle` of {command.ref} takes ({handle.signature})", f"it is called with {_SIGNATURE}")
    elif any(name in _ROLES and name != role for name, role in zip(names, _ROLES, strict=False)):
        message = f"`handle` of {command.ref} takes (self, {', '.join(names)}) in another order than it is given them"
        yield Fault("EC109", handle.span, message, f"it is called with {_SIGNATURE}")


def ambiguous(methods: Methods, owner: ClassRef) -> Iterator[Fault]:
    """EC104: a method that is defined in two ways, by a condition."""
    for name, method in methods.found.items():
        if method.rivals:
            message = f"{name!r} of {owner} is ambiguous: it is defined in {method.rivals}, with different signatures"
            yield Fault("EC104", method.span, message, "define it once, and choose inside of it")


def foreign_types(command: Command, own_module: str) -> Iterator[ForeignType]:
    """EC110: types that were generated for another command, or for another parameter, if their modules are generated ones. *own_module* is
    generated from the command's.
    """
    handle = command.methods.get("handle")
    if handle is None or handle.inherited:
        return
    for role, parameter in zip(_ROLES, handle.positional, strict=False):
        wanted = f"{command.prefix}{role.capitalize()}"
        yield from _foreign_names(command, parameter.type, f"its parameter {parameter.name!r}", (wanted,), own_module)
    wanted_return = (f"{command.prefix}Writes", f"{command.prefix}Streams")
    yield from _foreign_names(command, handle.returns, "its return type", wanted_return, own_module)


def _foreign_names(command: Command, type_: Type | None, what: str, wanted: tuple[str, ...], own_module: str) -> Iterator[ForeignType]:
    for part in () if type_ is None else parts(type_):
        if isinstance(part, LibraryType):
            module, _, name = part.name.rpartition(".")
            if module.endswith("_streams") and not (module == own_module and name in wanted):
                message = f"`handle` of {command.ref} says {name} for {what}, which is not what it is given"
                yield ForeignType(module, Fault("EC110", part.span, message, f"use {wanted[0]} of {own_module}"))


def async_generator(command: Command, handle: Method) -> Iterator[Fault]:
    """EC111"""
    if handle.is_async and handle.yields:
        message = f"`handle` of {command.ref} is an async generator"
        yield Fault("EC111", handle.span, message, "use `def` with yield, or `async def` that returns the writes")
