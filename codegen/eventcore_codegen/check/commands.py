"""Rules over commands, but for their `handle`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from eventcore_codegen.check.fault import Fault
from eventcore_codegen.check.handle import ambiguous, async_generator, missing_handle, wrong_parameters
from eventcore_codegen.check.types import no_events, no_state, private, private_fault, typing_only, unresolved
from eventcore_codegen.model import NONE, Command, LibraryType, Problem, StreamField, unaliased, union_members, unknown_parts, written_parts

_FORMS: Final = "`StreamId[<State>]`, `StreamId[<State>] | None` or `tuple[StreamId[<State>], ...]`"
_HIDING_STREAM: Final = frozenset({"self", "handle", "initial", "apply", "add_streams", "DISCOVERED"})
_HIDING_PLAIN: Final = frozenset({"self", "handle"})
_HIDING_FOLD: Final = frozenset({"initial", "apply"})


def command_faults(command: Command) -> Iterator[Fault]:
    """Yield what is wrong with a command."""
    yield from inherits_command(command)
    yield from no_stream(command)
    yield from private_command(command)
    for stream in command.streams:
        yield from stream_faults(stream)
    yield from hidden_streams(command)
    yield from hiding_fields(command)
    yield from mixed_folds(command)
    yield from unreadable_initial(command)
    yield from ambiguous(command.methods, command.ref)
    yield from missing_handle(command)
    handle = command.methods.get("handle")
    if handle is not None:
        yield from wrong_parameters(command, handle)
        yield from async_generator(command, handle)


def inherits_command(command: Command) -> Iterator[Fault]:
    """EC121"""
    for base in command.commands[:1]:
        message = f"the command {command.ref} inherits from the command {base}"
        yield Fault("EC121", command.span, message, "move what they share into a plain base class")


def no_stream(command: Command) -> Iterator[Fault]:
    """EC101"""
    if not command.streams and not command.hidden_streams:
        message = f"the command {command.ref} has no stream field"
        yield Fault("EC101", command.span, message, "declare at least one: `<name>: StreamId[<State>] = stream()`")


def private_command(command: Command) -> Iterator[Fault]:
    """EC130: its generated classes would be private, too, and its own module has to import them."""
    if command.ref.is_private:
        yield private_fault(command.ref, command.span, "the command")


def stream_faults(stream: StreamField) -> Iterator[Fault]:
    if stream.kind is None:
        yield from no_stream_id(stream)
    elif stream.state is None and stream.events is None:
        message = f"the stream field {stream.name!r} says neither its state nor its events"
        yield Fault(
            "EC102",
            stream.annotation_span,
            message,
            "name the state, as in `StreamId[<State>]`, or the events, as in `stream(events=<Events>)`",
        )
    if not stream.is_literal:
        message = f"whether the stream field {stream.name!r} is read-only cannot be read from the source"
        yield Fault("EC128", stream.span, message, "write `read_only=True`, or leave it out")
    if stream.state is not None:
        yield from unresolved(stream.state, "state")
        yield from no_state(stream.state)
        yield from private([unaliased(stream.state)], "the state")
    if stream.events is not None:
        yield from unresolved(stream.events, "event")
        yield from no_events(stream.events)
        yield from private(union_members(stream.events), "the event")
        yield from typing_only(stream.events, f"the events of {stream.name!r}")


def no_stream_id(stream: StreamField) -> Iterator[Fault]:
    """EC102"""
    if stream.is_quiet:
        return
    problem = "has no annotation" if stream.annotation is None else f"is annotated `{stream.annotation}`"
    if stream.discovered:
        message = f"the discovered() field {stream.name!r} is no Discovered: it {problem}"
        yield Fault("EC102", stream.annotation_span, message, "annotate it `Discovered[<State>]`")
    else:
        message = f"the stream field {stream.name!r} is no StreamId: it {problem}"
        help_ = (
            "declare it with discovered()"
            if (stream.annotation or "").partition("[")[0].endswith("Discovered")
            else f"annotate it {_FORMS}"
        )
        yield Fault("EC102", stream.annotation_span, message, help_)


def hidden_streams(command: Command) -> Iterator[Fault]:
    """EC132"""
    for field in command.hidden_streams:
        if field.dataclass:
            message = f"the stream field {field.name!r} is inherited from {field.dataclass}, a dataclass, which takes `{field.value}` for a default"
            yield Fault("EC132", field.span, message, f"declare it in {command.ref} itself: dataclasses hand on plain fields only")
            continue
        message = f"the field {field.name!r} is declared by `{field.value}`, which is no plain call of {field.marker}()"
        yield Fault("EC132", field.span, message, f"write `{field.name}: <annotation> = {field.marker}()`, with nothing around it")


def hiding_fields(command: Command) -> Iterator[Fault]:
    """EC114"""
    hiding_plain = _HIDING_PLAIN | _HIDING_FOLD if command.folds_itself else _HIDING_PLAIN
    for stream in command.streams:
        if stream.name in _HIDING_STREAM:
            message = f"the stream field {stream.name!r} would hide a member of that name"
            yield Fault("EC114", stream.span, message, "rename the field")
        elif stream.name.startswith("_"):
            message = f"the stream field {stream.name!r} would be a private member of the generated classes"
            yield Fault("EC114", stream.span, message, "rename the field: streams' names do not begin with an underscore")
    for field in command.plain_fields:
        if field.name in hiding_plain:
            yield Fault("EC114", field.span, f"the field {field.name!r} would hide a member of that name", "rename the field")


def mixed_folds(command: Command) -> Iterator[Fault]:
    """EC116"""
    if command.folds_itself:
        yield from _states_beside_events(command)
        for name, parameters in (("initial", "(self)"), ("apply", "(self, state, event)")):
            yield from _fold_method(command, name, parameters)
        return
    for name in ("initial", "apply"):
        method = command.methods.get(name)
        if method is not None:
            message = f"the command {command.ref} has `{name}`, but its streams fold into states of their own"
            yield Fault("EC116", method.span, message, f"remove `{name}`, or declare every stream with `events=`")


def _states_beside_events(command: Command) -> Iterator[Fault]:
    for stream in command.streams:
        if stream.events is None and stream.kind is not None:
            message = f"the stream field {stream.name!r} has no `events=`, but others of {command.ref} have"
            yield Fault("EC116", stream.span, message, "either all streams of a command say `events=`, or none does")
        elif stream.events is not None and stream.state is not None:
            message = f"the stream field {stream.name!r} says a state as well as `events=`"
            yield Fault("EC116", stream.span, message, "leave out one: a bare StreamId with `events=`, or a StreamId[<State>] without")


def _fold_method(command: Command, name: str, parameters: str) -> Iterator[Fault]:
    method = command.methods.get(name)
    wanted = f"`def {name}{parameters}`"
    if method is None:
        if command.methods.is_complete:
            message = f"the streams of {command.ref} say `events=`, so it folds them by itself, but it has no `{name}`"
            yield Fault("EC116", command.span, message, f"add {wanted}")
    elif method.is_async or method.yields or method.binding == "other" or not method.takes(parameters.count(",")):
        yield Fault("EC116", method.span, f"`{name}` of {command.ref} is not {wanted}", f"make it {wanted}")


def unreadable_initial(command: Command) -> Iterator[Fault]:
    """EC125: the state of a command that folds by itself is what its `initial` says that it returns."""
    initial = command.methods.get("initial")
    if not command.folds_itself or initial is None:
        return
    if initial.returns is None:
        message = f"`initial` of {command.ref} does not say what it returns, which is the state that `handle` gets"
        yield Fault("EC125", initial.span, message, "annotate its return type")
        return
    yield from private(written_parts(initial.returns), "the type")
    for part in written_parts(initial.returns):
        if isinstance(part, LibraryType) and part.name == "typing.Self":
            message = f"`initial` of {command.ref} returns Self, which means nothing outside of the class"
            yield Fault("EC125", part.span, message, f"write {command.ref.name} instead")
    for part in unknown_parts(initial.returns):
        if part.problem is not Problem.BROKEN:
            message = f"{part.text!r}, in what `initial` of {command.ref} returns, cannot be resolved: {part.hint or part.problem.value}"
            yield Fault("EC125", part.span, message, f"name a type that can be imported from elsewhere, or {NONE}")
