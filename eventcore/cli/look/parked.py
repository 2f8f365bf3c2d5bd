"""Events that projections could not handle and went on without, with what they met."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

import orjson

from eventcore.cli.look.shown import full_time, time_text
from eventcore.cli.look.terminal import Terminal, harmless
from eventcore.projections.records import ParkedEvent


def parked_json(parked: ParkedEvent) -> str:
    """Return *parked* as one line of JSON, with the event as it is stored."""
    stored = parked.stored
    return orjson.dumps(
        {
            "name": parked.name,
            "generation": parked.generation,
            "position": str(stored.position),
            "recorded_at": full_time(stored.recorded_at),
            "stream_id": stored.stream_id,
            "version": stored.version,
            "type": stored.type,
            "type_version": stored.type_version,
            "event_id": str(stored.event_id),
            "data": orjson.Fragment(stored.data),
            "metadata": orjson.Fragment(stored.metadata),
            "error": parked.error,
            "attempts": parked.attempts,
            "parked_at": full_time(parked.parked_at),
            "to_retry": parked.retry,
        }
    ).decode()


def parked_lines(parked: Sequence[ParkedEvent], terminal: Terminal) -> Iterable[str]:
    """Return lines for people: three for each event, its error whole."""
    for (name, generation), several in groupby(parked, lambda each: (each.name, each.generation)):
        events = list(several)
        yield terminal.styled(f"{harmless(name)}, generation {generation}: {counted(len(events))}", "bold")
        for each in events:
            yield from _lines(each, terminal)


def counted(count: int) -> str:
    return f"{count} parked event{'' if count == 1 else 's'}"


def _lines(parked: ParkedEvent, terminal: Terminal) -> Iterable[str]:
    stored = parked.stored
    attempts = f"{parked.attempts} attempt{'' if parked.attempts == 1 else 's'}"
    asked = ", to be handled once more" if parked.retry else ""
    stream = terminal.styled(harmless(stored.stream_id), "cyan")
    yield f"  {stored.position}  {terminal.styled(harmless(stored.type), 'bold')}, version {stored.version} of {stream}"
    yield f"    {terminal.styled('parked', 'dim')}  {time_text(parked.parked_at)}, after {attempts}{asked}"
    yield f"    {terminal.styled('error', 'dim')}   {terminal.styled(harmless(parked.error), 'red')}"
