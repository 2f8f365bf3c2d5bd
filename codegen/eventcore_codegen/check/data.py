"""Rules over events and states."""

from __future__ import annotations

from collections.abc import Iterator

from eventcore_codegen.check.fault import Fault
from eventcore_codegen.check.handle import ambiguous
from eventcore_codegen.check.types import mutable, names_events, no_events, no_python, private, typing_only, unresolved
from eventcore_codegen.model import DataField, Event, Method, State, union_members

_LONGEST_NAME = 255


def event_faults(event: Event) -> Iterator[Fault]:
    yield from _field_faults(event.ref.name, event.fields)
    yield from _unreadable_annotations(event.ref.name, event.fields)
    yield from storage_faults(event)


def state_faults(state: State) -> Iterator[Fault]:
    yield from _field_faults(state.ref.name, state.fields)
    if state.fingerprint:  # only then is it stored
        yield from _unreadable_annotations(state.ref.name, state.fields)
    yield from _missing_defaults(state)
    yield from apply_faults(state)


def _missing_defaults(state: State) -> Iterator[Fault]:
    """EC133"""
    for field in state.missing_defaults:
        where = f", inherited from {field.base}," if field.base else ""
        message = f"the field {state.ref.name}.{field.name}{where} has no default, but a stream without events is {state.ref.name}()"
        yield Fault("EC133", field.span, message, f"give it one: `{field.name}: <type> = <value>`")


def _field_faults(owner: str, fields: tuple[DataField, ...]) -> Iterator[Fault]:
    for field in fields:
        yield from mutable(field.type, f"the field {owner}.{field.name}")
        yield from typing_only(field.type, f"the field {owner}.{field.name}")


def _unreadable_annotations(owner: str, fields: tuple[DataField, ...]) -> Iterator[Fault]:
    """EC117: annotations of what is stored."""
    for field in fields:
        yield from no_python(field.type, f"the field {owner}.{field.name}")


def storage_faults(event: Event) -> Iterator[Fault]:
    """Yield why an event cannot be stored, or not be read back."""
    yield from _name_faults(event)
    yield from _generic_event(event)


def _generic_event(event: Event) -> Iterator[Fault]:
    """EC129"""
    if event.is_generic:
        message = f"the event {event.ref} is generic, but what is stored under one name is read back as one type"
        yield Fault("EC129", event.span, message, "declare an event for each type that it has, or give the field a union of them")


def _name_faults(event: Event) -> Iterator[Fault]:
    """EC124: the stored name or version of an event that is no literal, or none that can be stored."""
    if event.name is None or event.version is None:
        what = " and ".join(what for what, value in (("name", event.name), ("version", event.version)) if value is None)
        message = f"the {what} of the event {event.ref} must be written out as a literal: they are read from the source"
        yield Fault("EC124", event.marker_span, message, 'write it out, as in @event("cart.item-added", version=2)')
        return
    if not (event.name.isprintable() and event.name == event.name.strip() and 0 < len(event.name) <= _LONGEST_NAME):
        message = f"{event.name!r} is no name of an event"
        yield Fault("EC124", event.marker_span, message, "use 1 to 255 printable characters without outer spaces")
    if event.version < 1:
        yield Fault("EC124", event.marker_span, f"the event {event.ref} has version {event.version}", "versions count from 1")


def apply_faults(state: State) -> Iterator[Fault]:
    """EC103 to EC106, EC123 and EC131: an `apply` that is missing, cannot be called, or from which the events cannot be read."""
    apply = state.methods.get("apply")
    if apply is None:
        # An unreadable base class may have one; then its events are unknown all the same.
        problem = "has no `apply`" if state.methods.is_complete else "has no `apply` of its own, and its base classes cannot be read"
        yield Fault(
            "EC105", state.span, f"the state {state.ref} {problem}", f"add `def apply(self, event: <its events>) -> {state.ref.name}`"
        )
        return
    yield from ambiguous(state.methods, state.ref)
    if apply.is_async or apply.yields:
        yield Fault("EC105", apply.span, f"`apply` of the state {state.ref} is no plain function", "use `def`, and return the next state")
    yield from _wrong_parameters(state, apply)
    if not apply.is_plain or not apply.positional:
        return
    if not names_events(state.event_type):
        message = f"`apply` of the state {state.ref} does not name the events that it takes"
        yield Fault(
            "EC106", apply.positional[0].span, message, "annotate its parameter with an @event class, a union of some, or an alias of one"
        )
    elif state.event_type is not None:
        yield from unresolved(state.event_type, "event")
        yield from no_events(state.event_type)
        yield from private(union_members(state.event_type), "the event")


def _wrong_parameters(state: State, apply: Method) -> Iterator[Fault]:
    """EC131: an `apply` that cannot be called with a state and an event, by place."""
    if not apply.is_plain:
        message = f"`apply` of the state {state.ref} is no method of its instances"
        yield Fault("EC131", apply.span, message, f"make it a plain method: `def apply(self, event: <its events>) -> {state.ref.name}`")
    elif not apply.takes(1):
        yield Fault("EC131", apply.span, f"`apply` of the state {state.ref} takes ({apply.signature})", "it is called with (self, event)")
