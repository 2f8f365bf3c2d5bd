"""All rules over a project, and which of its modules can be generated."""

from __future__ import annotations

from collections.abc import Iterator
from typing import final

import attrs

from eventcore_codegen.check.bodies import command_warnings, state_warnings
from eventcore_codegen.check.commands import command_faults
from eventcore_codegen.check.data import apply_faults, event_faults, name_faults, state_faults
from eventcore_codegen.check.fault import Fault
from eventcore_codegen.check.ids import confused_ids
from eventcore_codegen.check.ignores import without_suppressed
from eventcore_codegen.check.project import (
    misplaced_declarations,
    repeated_declarations,
    repeated_events,
    star_imports,
    unclear_markers,
    unimportable_name,
)
from eventcore_codegen.check.sound import is_sound
from eventcore_codegen.diagnostics import Diagnostic
from eventcore_codegen.model import Module, Project


@final
@attrs.frozen
class Checked:
    """*diagnostics* of all rules; *sound* are the modules that can be generated."""

    diagnostics: tuple[Diagnostic, ...]
    sound: tuple[Module, ...]


def check(project: Project) -> Checked:
    """Find all faults."""
    generated = frozenset(module.generated_name for module in project.modules if module.generates)
    found = {module.source.path: (module, list(_module_faults(module, generated))) for module in project.modules}
    for module, fault in (*repeated_events(project), *confused_ids(project)):
        found[module.source.path][1].append(fault)
    diagnostics = tuple(fault.within(module.source) for module, faults in found.values() for fault in without_suppressed(module, faults))
    faulty = {diagnostic.path for diagnostic in diagnostics if diagnostic.is_error}
    candidates = (module for module in project.modules if module.is_scanned and module.generates)
    return Checked(diagnostics, tuple(module for module in candidates if module.source.shown not in faulty and is_sound(module, project)))


def _module_faults(module: Module, generated: frozenset[str]) -> Iterator[Fault]:
    yield from star_imports(module)
    yield from unclear_markers(module)
    if not module.is_scanned:
        yield from _followed_faults(module)
        return
    yield from misplaced_declarations(module)
    yield from repeated_declarations(module)
    yield from unimportable_name(module)
    for event in module.events:
        yield from event_faults(event)
    for state in module.states:
        yield from state_faults(state)
        yield from state_warnings(state)
    for command in module.commands:
        yield from command_faults(command, module.generated_name, generated)
        yield from command_warnings(command)


def _followed_faults(module: Module) -> Iterator[Fault]:
    """Of a module that nothing is written for, only what those that use it need counts."""
    for event in module.events:
        yield from name_faults(event)
    for state in module.states:
        yield from apply_faults(state)
