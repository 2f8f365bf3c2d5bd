"""Rules over the ids of streams: two ways to compute one, which nobody can tell apart in the store."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

from eventcore_codegen.check.fault import Fault
from eventcore_codegen.model import ClassRef, ClassType, MadeId, Module, Project, State, unaliased

_Placed: TypeAlias = tuple[Module, State]


def confused_ids(project: Project) -> Iterator[tuple[Module, Fault]]:
    """EC205, EC206. Only states of streams that a command may write count: another state for a stream that is read is a view of it."""
    written = _written_states(project)
    placed = [(module, state) for module in project.modules for state in module.states if state.ref in written and state.category]
    for number, later in enumerate(placed):
        earlier = next((other for other in placed[:number] if _may_meet(other, later)), None)
        if earlier is not None:
            yield _one_category(earlier, later)
    yield from _by_hand(project, placed)


def _written_states(project: Project) -> frozenset[ClassRef]:
    streams = (stream for module in project.modules for command in module.commands for stream in command.streams)
    states = (unaliased(stream.state) for stream in streams if stream.state is not None and not stream.read_only)
    return frozenset(state.ref for state in states if isinstance(state, ClassType))


def _may_meet(one: _Placed, other: _Placed) -> bool:
    """Tell whether two states may make one id: of one category, or of `order` and `order-line`, which meet in ``order-line-1``."""
    (module, state), (other_module, other_state) = one, other
    if module.source.root != other_module.source.root or state.category is None or other_state.category is None:
        return False
    shorter, longer = sorted((state.category, other_state.category), key=len)
    return f"{longer}-".startswith(f"{shorter}-")


def _one_category(earlier: _Placed, later: _Placed) -> tuple[Module, Fault]:
    # Nothing is shown in files that were only followed, as long as the other one is among those that were given.
    (module, state), (other_module, other) = (later, earlier) if later[0].is_scanned or not earlier[0].is_scanned else (earlier, later)
    message = (
        f"streams of the state {state.ref} (category {state.category!r}) and of {other.ref} in {other_module.name} (category "
        f"{other.category!r}) can have one id, and both are written"
    )
    place = f"{other_module.source.shown}:{other.span.line}"
    return module, Fault(
        "EC205", state.span, message, f'give one of them a category of its own: @state(category="<name>") (the other is in {place})'
    )


def _by_hand(project: Project, placed: list[_Placed]) -> Iterator[tuple[Module, Fault]]:
    """EC206: ids that are written out where others are made by ``StreamId.of``."""
    made: dict[tuple[Path, ClassRef], str] = {}
    for module in project.modules:
        for call in module.made_ids:
            if call.state is not None and not call.is_by_hand:
                made.setdefault((module.source.root, call.state), f"{module.source.shown}:{call.span.line}")
    for module in project.modules:
        for call in module.made_ids:
            state = _spelled(call, module, placed) if call.is_by_hand else None
            place = made.get((module.source.root, state.ref)) if state is not None else None
            if state is not None and place is not None:
                message = f"this may be an id of {state.ref}, spelled out by hand; {place} computes such ids with StreamId.of"
                yield module, Fault("EC206", call.span, message, f"write StreamId.of({state.ref}, ...) here, too")


def _spelled(call: MadeId, module: Module, placed: list[_Placed]) -> State | None:
    """Return the state with the longest category that a written text begins with."""
    states = [state for owner, state in placed if owner.source.root == module.source.root and call.prefix.startswith(f"{state.category}-")]
    longest = max(states, key=lambda state: len(state.category or ""), default=None)
    # An id for another state than the one that is written is a view of the same stream, and has to be spelled out.
    return longest if longest is None or call.state in (None, longest.ref) else None
