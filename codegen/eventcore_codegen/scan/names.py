"""What a dotted name in a module stands for: followed through imports, re-exports, aliases and star imports."""

from __future__ import annotations

import builtins
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, TypeAlias, assert_never, final

import attrs

from eventcore_codegen.model import LEADS_OUT, LIBRARY, Problem
from eventcore_codegen.scan.syntax import Alias, Binding, ClassSyntax, Expr, ImportedModule, ImportedName, Name, Opaque, Star, TypeVariable
from eventcore_codegen.scan.universe import LoadedModule, Universe

PUBLIC: Final = frozenset({"Discovered", "Recorded", "StreamId", "command", "discovered", "event", "state", "stream"})
"""What the generator knows of eventcore's names."""

_GENERATED: Final = ("Streams", "Resolver", "State", "Writes")
"""How the names of the classes end that are generated for a command."""

_BUILTINS: Final = frozenset(dir(builtins))


@final
@attrs.frozen
class ClassTarget:
    module: LoadedModule
    syntax: ClassSyntax


@final
@attrs.frozen
class AliasTarget:
    module: LoadedModule
    name: str
    value: Expr
    parameters: tuple[str, ...] = ()
    defaults: Mapping[str, Expr] = attrs.field(factory=dict[str, Expr], eq=False)
    scope: ClassSyntax | None = None


@final
@attrs.frozen
class ModuleTarget:
    name: str


@final
@attrs.frozen
class LibraryTarget:
    """Something outside of the user's source, or generated from it, by the name it was imported under."""

    name: str


@final
@attrs.frozen
class Failed:
    """*default* is what a type variable says it is if nothing is given, and where it says so; *opaque* what is no type, and where it is bound."""

    problem: Problem
    hint: str = ""
    default: tuple[LoadedModule, Expr] | None = attrs.field(default=None, eq=False)
    opaque: tuple[LoadedModule, Opaque] | None = attrs.field(default=None, eq=False)


Target: TypeAlias = ClassTarget | AliasTarget | ModuleTarget | LibraryTarget | Failed


@final
@attrs.frozen
class Through:
    """A star import that a name came through, or may have come through."""

    module: LoadedModule
    star: Star
    name: str


@final
@attrs.frozen
class Found:
    """What a name stands for; *typing_only* where that holds for type checkers alone."""

    target: Target
    typing_only: bool = False
    through: tuple[Through, ...] = ()


_MISSING: Final = Found(Failed(Problem.MISSING))


@final
class Names:
    """Resolves names. *visited* in its methods are the steps taken so far: a name that leads back to itself is missing."""

    def __init__(self, universe: Universe) -> None:
        self._universe = universe
        self._known: dict[tuple[LoadedModule, str, ClassSyntax | None], Found] = {}

    def resolve(self, module: LoadedModule, name: str, scope: ClassSyntax | None = None) -> Found:
        """Return what the dotted *name* stands for in *module*, or in the body of its class *scope*."""
        key = (module, name, scope)
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = self._resolve(module, name, scope)
        return found

    def _resolve(self, module: LoadedModule, name: str, scope: ClassSyntax | None) -> Found:
        head, *rest = name.split(".")
        found = self._in_class(module, head, scope) or self._in_module(module, head, frozenset())
        for attribute in rest:
            found = self._attribute(found, attribute, frozenset())
        return found

    def possibilities(self, module: LoadedModule, name: str, visited: frozenset[tuple[str, str]] = frozenset()) -> Iterator[Target]:
        """Yield what an ambiguous *name* may stand for, by each of the places that bind it."""
        head, _, rest = name.partition(".")
        step = (module.name, name)
        if module.syntax is None or step in visited:
            return
        for binding in module.syntax.bindings.get(head, ()):
            match binding.bound:
                case Alias(value=Name(text=text)):
                    yield from self.possibilities(module, _joined(text, rest), visited | {step})
                    continue
                case ImportedName(module=target, level=level, name=imported):
                    owner = self._universe.find(absolute_name(module, target, level) or "")
                    if owner is not None:
                        yield from self.possibilities(owner, _joined(imported, rest), visited | {step})
                        continue
                case _:
                    pass
            found = self._follow(module, head, binding, frozenset({(module.name, head)}))
            for attribute in rest.split(".") if rest else ():
                found = self._attribute(found, attribute, frozenset())
            yield found.target

    def _in_class(self, module: LoadedModule, name: str, scope: ClassSyntax | None) -> Found | None:
        if scope is None:
            return None
        if name in scope.type_parameters:
            return Found(Failed(Problem.VARIABLE))
        nested = next((inner for inner in scope.nested if inner.name == name), None)
        if nested is not None:
            return Found(ClassTarget(module, nested))
        alias = scope.aliases.get(name)
        return (
            None
            if alias is None
            else Found(AliasTarget(module, f"{scope.qualname}.{name}", alias.value, alias.parameters, alias.defaults, scope))
        )

    def _in_module(self, module: LoadedModule, name: str, visited: frozenset[tuple[str, str]]) -> Found:
        if module.syntax is None:
            return Found(Failed(Problem.BROKEN))
        step = (module.name, name)
        if step in visited:
            return _MISSING
        bindings = module.syntax.bindings.get(name)
        if bindings:
            return self._agree(module, name, bindings, visited | {step})
        found = self._through_stars(module, name, visited | {step})
        if isinstance(found.target, Failed) and found.target.problem is Problem.MISSING and name in _BUILTINS:
            return Found(LibraryTarget(f"builtins.{name}"))
        return found

    def _agree(self, module: LoadedModule, name: str, bindings: Iterable[Binding], visited: frozenset[tuple[str, str]]) -> Found:
        founds = [self._follow(module, name, binding, visited) for binding in bindings]
        first, *others = founds
        if any(not _is_same(found.target, first.target) for found in others):
            broken = any(isinstance(found.target, Failed) and found.target.problem is Problem.BROKEN for found in founds)
            return Found(Failed(Problem.BROKEN if broken else Problem.AMBIGUOUS, _places(module, bindings)))
        through = tuple(step for found in founds for step in found.through)
        return Found(first.target, all(found.typing_only for found in founds), through)

    def _follow(self, module: LoadedModule, name: str, binding: Binding, visited: frozenset[tuple[str, str]]) -> Found:
        match binding.bound:
            case ClassSyntax() as syntax:
                return Found(ClassTarget(module, syntax), binding.typing_only)
            case Alias(value=value, parameters=parameters, defaults=defaults):
                return Found(AliasTarget(module, name, value, parameters, defaults), binding.typing_only)
            case Opaque() as opaque:
                return Found(Failed(Problem.NO_TYPE, opaque=(module, opaque)), binding.typing_only)
            case TypeVariable(default=default):
                said = None if default is None else (module, default)
                return Found(Failed(Problem.VARIABLE, default=said), binding.typing_only)
            case ImportedModule(module=target):
                return Found(ModuleTarget(target), binding.typing_only)
            case ImportedName(module=target, level=level, name=imported):
                absolute = absolute_name(module, target, level)
                if absolute is None:
                    return Found(Failed(Problem.MISSING, LEADS_OUT))
                found = self._member(absolute, imported, visited)
                return attrs.evolve(found, typing_only=found.typing_only or binding.typing_only)

    def _attribute(self, found: Found, name: str, visited: frozenset[tuple[str, str]]) -> Found:
        match found.target:
            case ModuleTarget(name=module):
                inner = self._member(module, name, visited)
            case LibraryTarget(name=outer):
                inner = Found(LibraryTarget(f"{outer}.{name}"))
            case ClassTarget(module=module, syntax=syntax):
                inner = self._in_class(module, name, syntax) or _MISSING
            case AliasTarget():
                inner = Found(Failed(Problem.NO_TYPE))
            case Failed():
                return found
            case _:
                assert_never(found.target)
        return attrs.evolve(inner, typing_only=inner.typing_only or found.typing_only, through=(*found.through, *inner.through))

    def _member(self, module_name: str, name: str, visited: frozenset[tuple[str, str]]) -> Found:
        """Return what ``from module_name import name`` gives."""
        module = self._universe.find(module_name)
        full = f"{module_name}.{name}" if module_name else name
        if module is None:
            return self._beyond(module_name, full)
        found = self._in_module(module, name, visited)
        is_own = isinstance(found.target, LibraryTarget) and found.target.name == f"builtins.{name}"
        if is_own or (isinstance(found.target, Failed) and found.target.problem is Problem.MISSING):
            if self._universe.find(full) is not None or self._universe.is_generated(full):
                return Found(ModuleTarget(full))
            return Found(Failed(Problem.MISSING, f"{module_name} does not define {name}"), through=found.through)
        return found

    def _beyond(self, module_name: str, full: str) -> Found:
        if self._universe.is_generated(module_name):
            return Found(LibraryTarget(full))
        if self._universe.find(full) is not None or self._universe.is_generated(full):
            return Found(ModuleTarget(full))
        if self._universe.is_folder(full):
            return Found(ModuleTarget(full))
        return Found(LibraryTarget(full))

    def _through_stars(self, module: LoadedModule, name: str, visited: frozenset[tuple[str, str]]) -> Found:
        assert module.syntax is not None  # noqa: S101  # the caller looked
        maybe: list[Through] = []
        for star in reversed(module.syntax.stars):  # the last one counts
            absolute = absolute_name(module, star.module, star.level)
            target = None if absolute is None else self._universe.find(absolute)
            step = Through(module, star, name)
            if absolute == LIBRARY and name in PUBLIC:
                return Found(LibraryTarget(f"{LIBRARY}.{name}"), star.typing_only, (step,))
            if target is None and absolute is not None and self._is_generated(absolute, name):
                return Found(LibraryTarget(f"{absolute}.{name}"), star.typing_only, (step,))
            if target is None:
                maybe.append(step)
                continue
            found = self._in_module(target, name, visited)
            if not isinstance(found.target, Failed) and not name.startswith("_") and found.target != LibraryTarget(f"builtins.{name}"):
                return Found(found.target, found.typing_only or star.typing_only, (*found.through, step))
        return Found(Failed(Problem.MISSING), through=tuple(maybe))

    def _is_generated(self, module_name: str, name: str) -> bool:
        """Tell whether *name* is that of a class that is generated into *module_name* for a command."""
        prefix = next((name.removesuffix(ending) for ending in _GENERATED if name.endswith(ending)), "")
        source = self._universe.generated_from(module_name) if prefix else None
        return source is not None and source.syntax is not None and prefix in _prefixes(source.syntax.classes)


def _prefixes(classes: Iterable[ClassSyntax]) -> Iterator[str]:
    """Yield what names of generated classes begin with, for *classes* and those in their bodies."""
    for syntax in classes:
        yield syntax.qualname.replace(".", "")
        yield from _prefixes(syntax.nested)


def absolute_name(module: LoadedModule, name: str, level: int) -> str | None:
    """Return the full name of a module that is imported in *module*; None where the dots lead out of all packages."""
    if level == 0:
        return name
    package = module.package.split(".") if module.package else []
    if level > len(package):
        return None
    base = package[: len(package) - level + 1]
    return ".".join([*base, name] if name else base)


def _is_same(one: Target, other: Target) -> bool:
    """Tell whether two bindings of a name agree: aliases do when they say the same, wherever they say it."""
    match one, other:
        case AliasTarget(value=Name(text=text), scope=scope), AliasTarget(value=Name(text=other_text), scope=other_scope):
            return (one.module, text, scope) == (other.module, other_text, other_scope)
        case _:
            return one == other


def _joined(name: str, rest: str) -> str:
    return f"{name}.{rest}" if rest else name


def _places(module: LoadedModule, bindings: Iterable[Binding]) -> str:
    lines = sorted({binding.span.line for binding in bindings})
    return f"it is bound in the lines {', '.join(map(str, lines))} of {module.source.shown}"
