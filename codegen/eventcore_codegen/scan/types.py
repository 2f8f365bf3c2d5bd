"""Expressions to the resolved types of the model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, final

import attrs

from eventcore_codegen.diagnostics import Span
from eventcore_codegen.model import (
    LIBRARY,
    NONE,
    AliasType,
    ClassRef,
    ClassType,
    Kind,
    LibraryType,
    ListType,
    LiteralType,
    Problem,
    Type,
    UnionType,
    UnknownType,
)
from eventcore_codegen.scan.names import PUBLIC, AliasTarget, ClassTarget, Failed, Found, LibraryTarget, ModuleTarget, Names, Through
from eventcore_codegen.scan.syntax import Call, ClassSyntax, Constant, Either, Expr, ListOf, Name, Subscript, Unreadable, names_in
from eventcore_codegen.scan.universe import LoadedModule

_UNREADABLE: Final = "it is no type that can be read from the source"
_SAME: Final = {"typing_extensions": "typing", "attr": "attrs"}


def public_name(name: str) -> str:
    """Return the name by which the rest of the generator knows something of a library's: ``eventcore.declare.event`` is ``eventcore.event``."""
    top, _, rest = name.partition(".")
    last = name.rpartition(".")[2]
    if top == LIBRARY and last in PUBLIC:
        return f"{LIBRARY}.{last}"
    return f"{_SAME[top]}.{rest}" if top in _SAME and rest else name


@final
@attrs.frozen
class Site:
    """Where an expression stands. *outside* is set while an alias of another module is seen through: places in it are those of its use.
    *variables* are set while a generic one is: what its type variables stand for.
    """

    module: LoadedModule
    scope: ClassSyntax | None = None
    outside: Span | None = None
    variables: Mapping[str, Type] = MappingProxyType({})

    def span(self, own: Span) -> Span:
        return self.outside or own


@final
class Types:
    """Reads types. *kind_of* says what a class of the user's is; *saw_star* hears of star imports that names came through."""

    def __init__(self, names: Names, kind_of: Callable[[LoadedModule, ClassSyntax], Kind], saw_star: Callable[[Through], None]) -> None:
        self._names = names
        self._kind_of = kind_of
        self._saw_star = saw_star

    def read(self, expression: Expr, site: Site, open_aliases: frozenset[ClassRef] = frozenset()) -> Type:
        """Return the type that an annotation stands for. *open_aliases* are those being seen through: one in itself is circular."""
        span = site.span(expression.span)
        match expression:
            case Name(text=text):
                return self._name(text, (), expression.span, site, open_aliases)
            case Subscript():
                return self._subscript(expression, site, open_aliases)
            case Either(members=members):
                return UnionType(tuple(self.read(member, site, open_aliases) for member in members), span)
            case ListOf(items=items):
                return ListType(tuple(self.read(item, site, open_aliases) for item in items), span)
            case Constant(text=text):
                return LiteralType(text, span)
            case Call(function=Name(text=text)):
                return UnknownType(f"{text}(...)", Problem.NO_TYPE, span, _UNREADABLE)
            case Call():
                return UnknownType("a call", Problem.NO_TYPE, span, _UNREADABLE)
            case Unreadable(text=text, is_no_python=is_no_python):
                return UnknownType(text, Problem.NO_PYTHON if is_no_python else Problem.NO_TYPE, span, _UNREADABLE)

    def _subscript(self, expression: Subscript, site: Site, open_aliases: frozenset[ClassRef]) -> Type:
        if not isinstance(expression.base, Name):
            return UnknownType("a subscript", Problem.NO_TYPE, site.span(expression.span))
        is_literal = expression.base.text.rpartition(".")[2] == "Literal"
        items = tuple(
            (self._member(item, site) if is_literal else None) or self.read(item, site, open_aliases) for item in expression.items
        )
        read = self._name(expression.base.text, items, expression.span, site, open_aliases)
        match read:
            case LibraryType(name="typing.Union"):
                return UnionType(items, read.span)
            case LibraryType(name="typing.Optional"):
                return UnionType((*items, LiteralType(NONE, read.span)), read.span)
            case LibraryType(name="typing.Annotated" | "typing.Final" | "typing.Required" | "typing.ReadOnly") if items:
                return items[0]
            case _:
                return read

    def _member(self, item: Expr, site: Site) -> Type | None:
        """Return what ``Color.RED`` is in ``Literal[Color.RED]``: a name in a class, to be written as one."""
        owner, dot, member = item.text.rpartition(".") if isinstance(item, Name) else ("", "", "")
        found = self.resolve(owner, site) if dot else None
        if found is None or not isinstance(found.target, ClassTarget):
            return None
        ref = ClassRef(found.target.module.name, f"{found.target.syntax.qualname}.{member}")
        return ClassType(ref, "plain", site.span(item.span), found.typing_only)

    def _name(self, text: str, arguments: tuple[Type, ...], place: Span, site: Site, open_aliases: frozenset[ClassRef]) -> Type:
        if text in site.variables:
            return site.variables[text]
        found = self.resolve(text, site)
        span = site.span(place)
        match found.target:
            case ClassTarget(module=module, syntax=syntax):
                ref = ClassRef(module.name, syntax.qualname)
                return ClassType(ref, self._kind_of(module, syntax), span, found.typing_only, arguments)
            case AliasTarget(module=module, name=name, value=value, scope=scope) as alias:
                ref = ClassRef(module.name, name)
                if ref in open_aliases:
                    return UnknownType(text, Problem.CIRCULAR, span)
                variables = self._variables(alias, arguments, span, open_aliases | {ref})
                inner = Site(module, scope, site.outside if module is site.module else span, variables)
                target = self.read(value, inner, open_aliases | {ref})
                return AliasType(ref, target if variables else _applied(target, arguments), span, found.typing_only, arguments)
            case LibraryTarget(name=name):
                return LibraryType(public_name(name), span, found.typing_only, arguments)
            case ModuleTarget(name=name):
                return UnknownType(text, Problem.NO_TYPE, span, f"{name} is a module")
            case Failed(problem=problem, hint=hint):
                return UnknownType(text, problem, span, hint)

    def _variables(self, alias: AliasTarget, arguments: tuple[Type, ...], span: Span, open_aliases: frozenset[ClassRef]) -> dict[str, Type]:
        """Return what the type variables of an alias stand for: its *arguments*, or else their defaults, or else themselves."""
        names = alias.parameters or self._type_variables(alias)
        given = arguments if len(arguments) <= len(names) else ()
        variables = dict(zip(names, given, strict=False))
        for name in names[len(given) :]:
            variables[name] = self._default(
                alias, name, Site(alias.module, alias.scope, span, dict(variables)), open_aliases
            ) or UnknownType(name, Problem.VARIABLE, span)
        return variables

    def _default(self, alias: AliasTarget, name: str, site: Site, open_aliases: frozenset[ClassRef]) -> Type | None:
        """Return what a type variable of an alias stands for if nothing is given. It may name variables before it: *site* knows them."""
        if name in alias.defaults:
            return self.read(alias.defaults[name], site, open_aliases)
        target = self._names.resolve(alias.module, name, alias.scope).target
        if not isinstance(target, Failed) or target.default is None:
            return None
        module, default = target.default
        return self.read(default, attrs.evolve(site, module=module, scope=None), open_aliases)

    def _type_variables(self, alias: AliasTarget) -> tuple[str, ...]:
        """Return the type variables in the value of an alias, in their order, which is that of its arguments."""
        names = dict.fromkeys(names_in(alias.value))
        found = ((name, self._names.resolve(alias.module, name, alias.scope).target) for name in names)
        return tuple(name for name, target in found if isinstance(target, Failed) and target.problem is Problem.VARIABLE)

    def possible_names(self, text: str, site: Site) -> frozenset[str]:
        """Return the public names of all that an ambiguous *text* may stand for; an empty one stands for what is no library's."""
        targets = self._names.possibilities(site.module, text)
        return frozenset(public_name(target.name) if isinstance(target, LibraryTarget) else "" for target in targets)

    def resolve(self, text: str, site: Site) -> Found:
        found = self._names.resolve(site.module, text, site.scope)
        for step in found.through:
            self._saw_star(step)
        return found


def _applied(target: Type, arguments: tuple[Type, ...]) -> Type:
    """Return what an alias of a class without arguments is with some: after ``Id = StreamId``, ``Id[Cart]`` is ``StreamId[Cart]``."""
    match target:
        case AliasType(target=inner, arguments=()):
            return attrs.evolve(target, arguments=arguments, target=_applied(inner, arguments))
        case ClassType(arguments=()) | LibraryType(arguments=()):
            return attrs.evolve(target, arguments=arguments)
        case _:
            return target
