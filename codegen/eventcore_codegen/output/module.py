"""What one generated module says, decided down to its lines: all that is left to the templates is where they stand."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final, final

import attrs

from eventcore_codegen.model import ClassRef, Command, Module, Project
from eventcore_codegen.output.commands import CommandNames, CommandText, command_text
from eventcore_codegen.output.layout import Keyed, call, statement, text_literal, tuple_of
from eventcore_codegen.output.namespace import Namespace
from eventcore_codegen.output.tables import Tables

FORMAT: Final = 1
"""The format of generated modules. The runtime reads one format only, and says so."""

_FRAMEWORK: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "collections.abc": ("Iterable", "Mapping", "Sequence"),
        "typing": ("TYPE_CHECKING", "ClassVar", "Final", "Never", "TypeAlias", "final"),
        "eventcore.typed": (
            "Accepts",
            "CommandSpec",
            "Discovery",
            "DiscoveryRequest",
            "EventRef",
            "GeneratedModule",
            "Handle",
            "Handles",
            "ReadOnlyStream",
            "ReadOnlyStreams",
            "StateRef",
            "StateSpec",
            "StreamId",
            "StreamResolver",
            "StreamSet",
            "StreamSpec",
            "StreamWrite",
            "ValidWrite",
            "WritableStream",
            "WritableStreams",
            "command_state",
            "is_write",
            "refused_write",
        ),
    }
)


@final
@attrs.frozen
class ModuleText:
    """A generated module in pieces. Each piece is a statement, or a list of some."""

    source: str
    summary: str
    type_checking: str
    imports: list[str]
    typing_imports: list[str]
    commands: tuple[CommandText, ...]
    table: str


def module_text(module: Module, project: Project) -> ModuleText:
    """Decide what is generated for *module*, which has no faults."""
    command_names = _command_names(module.commands)
    names = Namespace(_taken(module, command_names), {name: home for home, homes in _FRAMEWORK.items() for name in homes})
    tables = Tables(project, names)
    commands = tuple(command_text(command, command_names[command.ref], project, names, tables) for command in module.commands)
    table = _table(module, [text.constant for text in commands], names, tables)
    typing_imports = names.typing_imports()
    type_checking = names.runtime("typing", "TYPE_CHECKING") if typing_imports else ""
    return ModuleText(
        source=module.source.relative,
        summary=f"{'Typed streams, writes and tables of the commands' if commands else 'Tables of the states'} in {module.name}.",
        type_checking=type_checking,
        imports=names.runtime_imports(),
        typing_imports=typing_imports,
        commands=commands,
        table=table,
    )


def _taken(module: Module, command_names: Mapping[ClassRef, CommandNames]) -> set[str]:
    defined = {name for names in command_names.values() for name in names.all}
    fields = {stream.name for command in module.commands for stream in command.streams}
    return {"GENERATED", "self"} | defined | fields


def _command_names(commands: Iterable[Command]) -> dict[ClassRef, CommandNames]:
    used = {"GENERATED"}
    found: dict[ClassRef, CommandNames] = {}
    for command in commands:
        snake = _snake_case(command.prefix)
        names = CommandNames(command.prefix, _free(f"validate_{snake}", used), _free(snake.upper(), used))
        used.update(names.all)
        found[command.ref] = names
    return found


def _free(name: str, used: set[str]) -> str:
    number = 2
    candidate = name
    while candidate in used:
        candidate = f"{name}_{number}"
        number += 1
    return candidate


def _snake_case(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def _table(module: Module, constants: list[str], names: Namespace, tables: Tables) -> str:
    items = [Keyed("format=", str(FORMAT)), Keyed("source=", text_literal(module.name))]
    if constants:
        items.append(Keyed("commands=", tuple_of(tuple(constants))))
    if module.states:
        items.append(Keyed("states=", tuple_of(tuple(map(tables.state_spec, module.states)))))
    final_name = names.runtime("typing", "Final")
    return statement(f"GENERATED: {final_name} = ", call(names.runtime("eventcore.typed", "GeneratedModule"), *items))
