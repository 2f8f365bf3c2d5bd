"""Rules over whole modules, and over all of them together."""

from __future__ import annotations

import keyword
from collections.abc import Iterable, Iterator

from eventcore_codegen.check.fault import Fault
from eventcore_codegen.check.outline import NamedEvent, Outline
from eventcore_codegen.diagnostics import Span
from eventcore_codegen.model import LEADS_OUT, LibraryType, Module, Type, UnknownType, parts


def repeated_events(outlines: Iterable[Outline]) -> Iterator[tuple[Outline, Fault]]:
    """EC112: two events of one import root that are stored under one name. Other roots are other programs, with stores of their own."""
    first: dict[tuple[str, str], tuple[Outline, NamedEvent]] = {}
    for module in outlines:
        for event in module.events:
            other_module, other = first.setdefault((module.root, event.name), (module, event))
            if other is not event:
                message = (
                    f"the events {other.ref} in {other_module.name} and {event.ref} in {module.name} are both stored as {event.name!r}"
                )
                yield (
                    module,
                    Fault(
                        "EC112",
                        event.span,
                        message,
                        f'give one of them a name of its own: @event("<name>") (the other is in {other_module.shown}:{other.span.line})',
                    ),
                )


def repeated_declarations(module: Module) -> Iterator[Fault]:
    """EC113: two commands or states of one name, or commands whose generated classes would have one name."""
    first: dict[str, int] = {}
    prefixes: dict[str, str] = {}
    for ref, span in module.declared:
        line = first.setdefault(ref.qualname, span.line)
        if line != span.line:
            yield Fault("EC113", span, f"{ref} is declared twice in {module.name}, first in line {line}", "rename one of the two")
    for command in module.commands:
        other = prefixes.setdefault(command.prefix, command.ref.qualname)
        if other != command.ref.qualname:
            message = f"{other} and {command.ref} would both generate {command.prefix}Streams"
            yield Fault("EC113", command.span, message, "rename one of the two")


def misplaced_declarations(module: Module) -> Iterator[Fault]:
    """EC118"""
    for item in module.misplaced:
        message = f"the {item.kind} {item.name} is declared in a function, where the generated code cannot find it"
        yield Fault("EC118", item.span, message, "move it to the level of the module")


def unimportable_name(module: Module) -> Iterator[Fault]:
    """EC126: a file whose name no import statement can spell."""
    bad = [part for part in module.name.split(".") if not part.isidentifier() or keyword.iskeyword(part)]
    if module.generates and bad:
        _, place = module.declared[0]
        message = f"the module's name {module.name!r} cannot be imported: {bad[0]!r} is no identifier"
        yield Fault("EC126", place, message, "rename the file or folder")


def missing_packages(module: Module) -> Iterator[Fault]:
    """EC209, once: a module that imports what is generated from it as part of a package that its folder is not."""
    for command in module.commands:
        handle = command.methods.get("handle")
        if handle is None or handle.inherited:
            continue
        annotations = [*(parameter.type for parameter in handle.positional), handle.returns]
        for part in (part for annotation in annotations if annotation is not None for part in parts(annotation)):
            package = module.source.root.name if _leads_out(part) else _package_of(part, module)
            folder = package.replace(".", "/")
            if package and f"{module.source.root.as_posix()}/".endswith(f"/{folder}/"):
                message = f"{module.source.path.name} takes itself for a part of the package {package}, but the folder has no __init__.py"
                help_ = (
                    f"add {folder}/__init__.py, be it empty: without it, the module is {module.name}, and what is generated imports that"
                )
                yield Fault("EC209", part.span, message, help_)
                return


def _leads_out(type_: Type) -> bool:
    return isinstance(type_, UnknownType) and type_.hint == LEADS_OUT


def _package_of(type_: Type, module: Module) -> str:
    """Return the package that a type says what is generated from *module* is in, beyond the one that it is in."""
    owner = type_.name.rpartition(".")[0] if isinstance(type_, LibraryType) else ""
    return owner.removesuffix(f".{module.generated_name}") if owner.endswith(f".{module.generated_name}") else ""


def star_imports(module: Outline) -> Iterator[Fault]:
    """EC201, once for each import, whatever number of names comes through it."""
    imports: dict[tuple[Span, str | None], list[str]] = {}
    for star in sorted(module.stars, key=lambda star: (star.span, star.name)):
        imports.setdefault((star.span, star.module), []).append(star.name)
    for (span, source), names in imports.items():
        message = f"`import *` hides where {', '.join(map(repr, names))} {'comes' if len(names) == 1 else 'come'} from"
        yield Fault("EC201", span, message, f"import by name: from {source} import {', '.join(names)}")


def unclear_markers(module: Outline) -> Iterator[Fault]:
    """EC104: a decorator, or what a field is declared with, that is eventcore's in one case only. Taken for nothing, its class would be lost."""
    for unclear in module.unclear:
        message = f"{unclear.name!r} is ambiguous: {unclear.where}, to different things, one of them eventcore's"
        yield Fault("EC104", unclear.span, message, "bind it once: import it from eventcore, without a replacement")
