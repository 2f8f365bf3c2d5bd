"""Whether all that a module needs could be read, its own declarations and those of others.

A module whose own source is faultless is not sound when a state that it uses is faulty elsewhere; that is reported there, once.
"""

from __future__ import annotations

from eventcore_codegen.model import ClassType, Command, Module, Project, StreamField, Type, unaliased, union_members, unknown_parts


def is_sound(module: Module, project: Project) -> bool:
    commands = all(_command_is_sound(command, project) for command in module.commands)
    return commands and all(_events_are_known(state.event_type, project) for state in module.states)


def _command_is_sound(command: Command, project: Project) -> bool:
    initial = command.methods.get("initial")
    returns = initial.returns if command.folds_itself and initial is not None else None
    if returns is not None and any(unknown_parts(returns)):
        return False
    return all(_stream_is_sound(stream, project) for stream in command.streams)


def _stream_is_sound(stream: StreamField, project: Project) -> bool:
    if stream.kind is None:
        return False
    if stream.state is None:
        return _events_are_known(stream.events, project)
    state = unaliased(stream.state)
    known = project.states.get(state.ref) if isinstance(state, ClassType) else None
    return known is not None and _events_are_known(known.event_type, project)


def _events_are_known(type_: Type | None, project: Project) -> bool:
    return type_ is not None and all(_is_known(member, project) for member in union_members(type_))


def _is_known(member: Type, project: Project) -> bool:
    event = project.events.get(member.ref) if isinstance(member, ClassType) and not member.ref.is_private else None
    return event is not None and event.name is not None and event.version is not None and not event.is_generic
