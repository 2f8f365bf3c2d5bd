"""Rules over the ids of streams: two ways to compute one, which nobody can tell apart in the store."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeAlias

from eventcore_codegen.check.fault import Fault
from eventcore_codegen.check.outline import NamedState, Outline
from eventcore_codegen.model import ClassRef, MadeId

_Placed: TypeAlias = tuple[Outline, NamedState]


def confused_ids(outlines: Sequence[Outline]) -> Iterator[tuple[Outline, Fault]]:
    """EC205, EC206. Only states of streams that a command may write count: another state for a stream that is read is a view of it."""
    written = {ref for module in outlines for ref in module.written}
    placed = [(module, state) for module in outlines for state in module.states if state.ref in written]
    yield from _meeting(placed)
    yield from _by_hand(outlines, placed)


def _meeting(placed: Sequence[_Placed]) -> Iterator[tuple[Outline, Fault]]:
    """EC205: states that may make one id, being of one category, or of `order` and `order-line`, which meet in ``order-line-1``."""
    of_category: dict[tuple[str, str], int] = {}
    below: dict[tuple[str, str], int] = {}
    for number, (module, state) in enumerate(placed):
        beginnings = [(module.root, beginning) for beginning in _beginnings(state.category)]
        own = (module.root, state.category)
        earlier = [of_category[key] for key in beginnings if key in of_category] + ([below[own]] if own in below else [])
        if earlier:
            yield _one_category(placed[min(earlier)], placed[number])
        of_category.setdefault(own, number)
        for key in beginnings:
            below.setdefault(key, number)


def _beginnings(category: str) -> Iterator[str]:
    """Yield ``order``, ``order-line`` for ``order-line``."""
    parts = category.split("-")
    return ("-".join(parts[:number]) for number in range(1, len(parts) + 1))


def _one_category(earlier: _Placed, later: _Placed) -> tuple[Outline, Fault]:
    # Nothing is shown in files that were only followed, as long as the other one is among those that were given.
    (module, state), (other_module, other) = (later, earlier) if later[0].is_scanned or not earlier[0].is_scanned else (earlier, later)
    message = (
        f"streams of the state {state.ref} (category {state.category!r}) and of {other.ref} in {other_module.name} (category "
        f"{other.category!r}) can have one id, and both are written"
    )
    place = f"{other_module.shown}:{other.span.line}"
    return module, Fault(
        "EC205", state.span, message, f'give one of them a category of its own: @state(category="<name>") (the other is in {place})'
    )


def _by_hand(outlines: Sequence[Outline], placed: Sequence[_Placed]) -> Iterator[tuple[Outline, Fault]]:
    """EC206: ids that are written out where others are made by ``StreamId.of``."""
    made: dict[tuple[str, ClassRef], str] = {}
    for module in outlines:
        for call in module.made_ids:
            if call.state is not None and not call.is_by_hand:
                made.setdefault((module.root, call.state), f"{module.shown}:{call.span.line}")
    for module in outlines:
        for call in module.made_ids:
            state = _spelled(call, module, placed) if call.is_by_hand else None
            place = made.get((module.root, state.ref)) if state is not None else None
            if state is not None and place is not None:
                message = f"this may be an id of {state.ref}, spelled out by hand; {place} computes such ids with StreamId.of"
                yield module, Fault("EC206", call.span, message, f"write StreamId.of({state.ref}, ...) here, too")


def _spelled(call: MadeId, module: Outline, placed: Sequence[_Placed]) -> NamedState | None:
    """Return the state with the longest category that a written text begins with."""
    states = [state for owner, state in placed if owner.root == module.root and call.prefix.startswith(f"{state.category}-")]
    longest = max(states, key=lambda state: len(state.category), default=None)
    # An id for another state than the one that is written is a view of the same stream, and has to be spelled out.
    return longest if longest is None or call.state in (None, longest.ref) else None
