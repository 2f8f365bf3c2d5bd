"""The tables of a generated module: events, states and streams by name, for the runtime to find their classes."""

from __future__ import annotations

from typing import final

from eventcore_codegen.model import ClassRef, ClassType, Project, State, StreamField, Type, union_members
from eventcore_codegen.output.layout import Group, call, text_literal, tuple_of
from eventcore_codegen.output.namespace import Namespace
from eventcore_codegen.output.types import event_refs, stream_events


@final
class Tables:
    def __init__(self, project: Project, names: Namespace) -> None:
        self._project = project
        self._names = names

    def state_spec(self, state: State) -> Group:
        fingerprint = (text_literal(state.fingerprint),) if state.fingerprint else ()
        return call(self._typed("StateSpec"), self._state_ref(state.ref), self._events(state.event_type), *fingerprint)

    def stream_spec(self, stream: StreamField) -> Group:
        states = [member.ref for member in union_members(stream.state) if isinstance(member, ClassType)] if stream.state else []
        return call(
            self._typed("StreamSpec"),
            text_literal(stream.name),
            text_literal(str(stream.kind)),
            str(stream.read_only),
            self._state_ref(states[0]) if states else "None",
            self._events(stream_events(stream.state, stream.events, self._project)),
        )

    def _events(self, type_: Type | None) -> Group | str:
        refs = () if type_ is None else event_refs(type_)
        return tuple_of(tuple(map(self._event_ref, refs))) if refs else "()"

    def _event_ref(self, ref: ClassRef) -> Group:
        event = self._project.events[ref]
        place = (text_literal(ref.module), text_literal(ref.qualname))
        return call(self._typed("EventRef"), *place, text_literal(str(event.name)), str(event.version))

    def _state_ref(self, ref: ClassRef) -> Group:
        return call(self._typed("StateRef"), text_literal(ref.module), text_literal(ref.qualname))

    def _typed(self, name: str) -> str:
        return self._names.runtime("eventcore.typed", name)
