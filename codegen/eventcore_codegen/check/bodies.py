"""Rules over what the methods of commands and states do: warnings, as none of it keeps the generated code from being right."""

from __future__ import annotations

from collections.abc import Iterator

from eventcore_codegen.check.changing import deed
from eventcore_codegen.check.fault import Fault
from eventcore_codegen.model import Command, Method, State, StreamField

_AGAIN = "`handle` is run again after a conflict or a discovery"


def command_warnings(command: Command) -> Iterator[Fault]:
    handle = command.methods.get("handle")
    if handle is not None:
        without_resolver = frozenset(_undiscoverable(command, handle))
        yield from no_resolver(command, without_resolver)
        yield from never_written(command, handle, without_resolver)
        yield from changing(handle, f"`handle` of {command.ref}", f"{_AGAIN}: take the value as a field of the command")
        yield from foreign_awaits(command, handle)
    for name in ("initial", "apply") if command.folds_itself else ():
        method = command.methods.get(name)
        if method is not None:
            yield from _folds_changing(method, f"`{name}` of {command.ref}")


def state_warnings(state: State) -> Iterator[Fault]:
    apply = state.methods.get("apply")
    if apply is not None:
        yield from _folds_changing(apply, f"`apply` of the state {state.ref}")


def _folds_changing(method: Method, what: str) -> Iterator[Fault]:
    yield from changing(method, what, "it is run whenever the events are folded: take the value from the event")


def never_written(command: Command, handle: Method, but: frozenset[StreamField]) -> Iterator[Fault]:
    """EC202: a writable stream that `handle` never writes, where all that it does with its streams is in view and is there at all."""
    written = handle.body.written
    if written is None or handle.body.is_stub or not _is_called_as_it_is(handle):
        return
    if not written <= {stream.name for stream in command.streams}:
        return  # an id in a plain field may be that of any stream
    for stream in command.streams:
        if stream.kind is not None and stream.is_literal and not stream.read_only and stream.name not in written and stream not in but:
            marker = "discovered" if stream.discovered else "stream"
            message = f"the stream field {stream.name!r} of {command.ref} is writable, but `handle` never writes it"
            yield Fault("EC202", stream.span, message, f"if it is only read, declare it `{marker}(read_only=True)`")


def changing(method: Method, what: str, help_: str) -> Iterator[Fault]:
    """EC203: a method that reads what may be something else when it is run again."""
    for outside in method.body.outside:
        does = deed(outside)
        if does:
            yield Fault("EC203", outside.span, f"{what} {does}: {outside.name.removeprefix('builtins.')}", help_)


def foreign_awaits(command: Command, handle: Method) -> Iterator[Fault]:
    """EC204"""
    for awaited in handle.body.awaits:
        message = f"`handle` of {command.ref} awaits a foreign call: {awaited.text}"
        yield Fault("EC204", awaited.span, message, f"{_AGAIN}: await it before, and give the command what comes of it")


def no_resolver(command: Command, streams: frozenset[StreamField]) -> Iterator[Fault]:
    """EC207"""
    for stream in command.streams:
        if stream in streams:
            message = (
                f"the stream field {stream.name!r} of {command.ref} is discovered, but `handle` takes no resolver that could ask for any"
            )
            yield Fault("EC207", stream.span, message, f"give `handle` a third parameter: `resolver: {command.prefix}Resolver`")


def _undiscoverable(command: Command, handle: Method) -> Iterator[StreamField]:
    if _is_called_as_it_is(handle) and len(handle.positional) == 2 and not any(item.kind == "star" for item in handle.parameters):
        yield from (stream for stream in command.streams if stream.kind == "discovered")


def _is_called_as_it_is(handle: Method) -> bool:
    return handle.is_plain and len(handle.positional) in (2, 3)
