"""All rules: over each file with what it uses of others, then over all files together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import final

import attrs

from eventcore_codegen.check.bodies import command_warnings, state_warnings
from eventcore_codegen.check.commands import command_faults
from eventcore_codegen.check.data import apply_faults, event_faults, state_faults, storage_faults
from eventcore_codegen.check.fault import Fault
from eventcore_codegen.check.handle import foreign_types
from eventcore_codegen.check.ids import confused_ids
from eventcore_codegen.check.ignores import without_suppressed
from eventcore_codegen.check.outline import Outline, merged, outline_of
from eventcore_codegen.check.project import (
    misplaced_declarations,
    missing_packages,
    repeated_declarations,
    repeated_events,
    star_imports,
    unclear_markers,
    unimportable_name,
)
from eventcore_codegen.check.sound import is_sound
from eventcore_codegen.diagnostics import Diagnostic, default_severity
from eventcore_codegen.model import Module, Project


@final
@attrs.frozen
class Judged:
    """*diagnostics* of all rules; *outlines* of all files, by path; *sound* are those that can be generated."""

    diagnostics: tuple[Diagnostic, ...]
    outlines: tuple[Outline, ...]
    sound: tuple[Outline, ...]


def check(projects: Iterable[Project]) -> tuple[Diagnostic, ...]:
    """Find all faults of *projects* together."""
    projects = tuple(projects)
    sources = {str(module.source.path): module.source for project in projects for module in project.modules}
    found = (outline for project in projects for outline in outlines(project))
    return judge(found, lambda outline, number: sources[outline.path].line(number)).diagnostics


def outlines(project: Project) -> tuple[Outline, ...]:
    """Return what the files of *project* come to, as far as it holds them."""
    return tuple(
        outline_of(
            module,
            faults=_faults(module),
            foreign=(found for command in module.commands for found in foreign_types(command, module.generated_name)),
            is_sound=is_sound(module, project),
        )
        for module in project.modules
    )


def judge(found: Iterable[Outline], line: Callable[[Outline, int], str]) -> Judged:
    """Find what is wrong with all files together. *line* gives a line of a file by its number."""
    outlines = merged(found)
    faults = {outline.path: [*outline.faults, *star_imports(outline), *unclear_markers(outline)] for outline in outlines}
    generated = {outline.generated for outline in outlines if outline.generated}
    for outline in outlines:
        faults[outline.path] += [foreign.fault for foreign in outline.foreign if foreign.module in generated]
    for outline, fault in (*repeated_events(outlines), *confused_ids(outlines)):
        faults[outline.path].append(fault)
    diagnostics = tuple(
        _placed(fault, outline, line) for outline in outlines for fault in without_suppressed(outline, faults[outline.path])
    )
    faulty = {diagnostic.path for diagnostic in diagnostics if diagnostic.is_error}
    candidates = (outline for outline in outlines if outline.is_scanned and outline.generated)
    return Judged(
        diagnostics, tuple(outlines), tuple(outline for outline in candidates if outline.shown not in faulty and outline.is_sound)
    )


def _placed(fault: Fault, outline: Outline, line: Callable[[Outline, int], str]) -> Diagnostic:
    text = line(outline, fault.span.line)
    return Diagnostic(fault.code, default_severity(fault.code), outline.shown, fault.span, fault.message, fault.help, text)


def _faults(module: Module) -> Iterator[Fault]:
    if not module.is_scanned:
        yield from _followed_faults(module)
        return
    yield from misplaced_declarations(module)
    yield from repeated_declarations(module)
    yield from unimportable_name(module)
    yield from missing_packages(module)
    for event in module.events:
        yield from event_faults(event)
    for state in module.states:
        yield from state_faults(state)
        yield from state_warnings(state)
    for command in module.commands:
        yield from command_faults(command)
        yield from command_warnings(command)


def _followed_faults(module: Module) -> Iterator[Fault]:
    """Of a module that nothing is written for, only what those that use it need counts."""
    for event in module.events:
        yield from storage_faults(event)
    for state in module.states:
        yield from apply_faults(state)
